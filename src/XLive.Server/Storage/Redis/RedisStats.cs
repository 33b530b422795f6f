using System.Collections.Frozen;

namespace XLive.Server.Storage.Redis;

/// <summary>What became of the commands so far: times of answers, errors by their kind.</summary>
public sealed class RedisStats
{
    /// <summary>Upper bounds of the histogram's classes in milliseconds; the last class has none.</summary>
    public static readonly double[] Bounds = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

    public const double ExcellentMs = 10;
    public const double GoodMs = 50;

    // The server chooses the word, so only known ones get a counter of their own.
    private static readonly string[] Kinds =
    [
        "ERR", "OOM", "READONLY", "LOADING", "MISCONF", "WRONGTYPE", "NOAUTH", "WRONGPASS", "NOPERM", "NOSCRIPT", "BUSY", "MASTERDOWN", "NOREPLICAS",
        "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "CROSSSLOT", RedisFault.Apart, RedisFault.Silent, RedisFault.Full, RedisFault.Broken, "other",
    ];

    private static readonly FrozenDictionary<string, int> KindAt = Kinds.Select((k, i) => (k, i)).ToFrozenDictionary(p => p.k, p => p.i, StringComparer.Ordinal);

    private readonly long[] _classes = new long[Bounds.Length + 1];
    private readonly long[] _errors = new long[Kinds.Length];
    private long _excellent, _good, _slow, _reconnects, _refused, _microseconds;

    public long Answers => Volatile.Read(ref _excellent) + Volatile.Read(ref _good) + Volatile.Read(ref _slow);

    /// <summary>Answered within 10 ms.</summary>
    public long Excellent => Volatile.Read(ref _excellent);

    /// <summary>Within 50 ms.</summary>
    public long Good => Volatile.Read(ref _good);

    /// <summary>Later.</summary>
    public long Slow => Volatile.Read(ref _slow);

    /// <summary>Connections that took the place of another.</summary>
    public long Reconnects => Volatile.Read(ref _reconnects);

    /// <summary>Commands that found no connection, or too many waiting, and were not sent.</summary>
    public long NotSent => Volatile.Read(ref _refused);

    public IReadOnlyList<long> Classes => _classes;

    /// <summary>Of all answers together.</summary>
    public double SumMs => Volatile.Read(ref _microseconds) / 1000.0;

    public IEnumerable<(string Kind, long Count)> Errors
    {
        get
        {
            for (var i = 0; i < Kinds.Length; i++)
            {
                if (Volatile.Read(ref _errors[i]) is > 0 and var count)
                    yield return (Kinds[i], count);
            }
        }
    }

    internal void Answered(double milliseconds)
    {
        Interlocked.Increment(ref milliseconds < ExcellentMs ? ref _excellent : ref milliseconds <= GoodMs ? ref _good : ref _slow);
        Interlocked.Add(ref _microseconds, (long)(milliseconds * 1000));
        var at = Array.FindIndex(Bounds, b => milliseconds < b);
        Interlocked.Increment(ref _classes[at < 0 ? Bounds.Length : at]);
    }

    internal void Failed(in RespValue error)
    {
        var code = error.Code;
        Interlocked.Increment(ref _errors[KindAt.TryGetValue(code, out var at) ? at : Kinds.Length - 1]);
        if (code is RedisFault.Apart or RedisFault.Full)
            Interlocked.Increment(ref _refused);
    }

    internal void Reconnected() => Interlocked.Increment(ref _reconnects);
}

/// <summary>First words of errors that are our own, beside those of servers.</summary>
internal static class RedisFault
{
    /// <summary>No connection.</summary>
    public const string Apart = "DISCONNECTED";

    /// <summary>A connection, and no answer in time.</summary>
    public const string Silent = "TIMEOUT";

    /// <summary>More commands wait than may.</summary>
    public const string Full = "FULL";

    /// <summary>What came was no answer.</summary>
    public const string Broken = "PROTOCOL";

    public static RespValue Of(string code, string detail) => RespValue.OfError(code + " " + detail);
}

/// <summary>Why there is no connection. <see cref="Code"/> is the first word of what a server said, or one of ours.</summary>
internal sealed class RedisException(string code, string message, Exception? inner = null) : IOException(message, inner)
{
    public string Code => code;
}
