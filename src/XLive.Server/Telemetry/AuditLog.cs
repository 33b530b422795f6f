using System.Net;
using System.Runtime.CompilerServices;

namespace XLive.Server.Telemetry;

/// <summary>
/// audit.log: who was refused and why, who changed what. A refusal is written at most once a second for a reason and address; the
/// ones in between are counted on the next line, so a flood of forged links costs a line a second and none is forgotten.
/// </summary>
public sealed class AuditLog(LogFiles files) : IDisposable
{
    private const int MostRefused = 4096;
    private const int LineBytes = 4 << 10;
    private static readonly TimeSpan s_apart = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Reason, IPAddress? Address), Refusals> _refused = [];
    private long _swept;

    /// <param name="reason">One of our own words, such as "expired"; never text from outside.</param>
    /// <param name="kid">The id of the key the grant names, never the grant.</param>
    public void Refused(string reason, string? kid, IPAddress? address, string? path)
    {
        // A second between two lines is one of the monotonic clock: a wall clock that is set makes neither a flood nor a silence.
        long now = files.Clock.GetTimestamp();
        long unwritten;
        lock (_gate)
        {
            Refusals of = Known(reason, address, now);
            if (of.Count > 0 && files.Clock.GetElapsedTime(of.Written, now) < s_apart)
            {
                of.Unwritten++;
                return;
            }
            of.Count++;
            of.Written = now;
            unwritten = of.Unwritten;
            of.Unwritten = 0;
        }
        Write(files.Now, "refused", reason, kid, address, path, unwritten);
    }

    /// <summary>Somebody changed something: Event("admin", "made the stream key studio-1", address).</summary>
    public void Event(string who, string what, IPAddress? from) => Write(files.Now, who, what, null, from, null, 0);

    public void Dispose()
    {
        lock (_gate)
        {
            Sweep(files.Clock.GetTimestamp(), all: true);
        }
    }

    private Refusals Known(string reason, IPAddress? address, long now)
    {
        if (files.Clock.GetElapsedTime(_swept, now) > TimeSpan.FromMinutes(1))
        {
            Sweep(now);
        }
        (string, IPAddress?) key = (reason, address);
        if (_refused.TryGetValue(key, out Refusals? known))
        {
            return known;
        }
        if (_refused.Count >= MostRefused)
        {
            // Thousands of addresses a minute: from here on they share one line a second and reason.
            key = (reason, null);
            if (_refused.TryGetValue(key, out known))
            {
                return known;
            }
        }
        return _refused[key] = new Refusals();
    }

    private void Sweep(long now, bool all = false)
    {
        _swept = now;
        foreach (((string reason, IPAddress? address), Refusals of) in _refused)
        {
            if (!all && files.Clock.GetElapsedTime(of.Written, now) < s_apart)
            {
                continue;
            }
            if (of.Unwritten > 0)
            {
                Write(files.Now, "refused", reason, null, address, null, of.Unwritten);
            }
            _refused.Remove((reason, address));
        }
    }

    [SkipLocalsInit]
    private void Write(DateTimeOffset now, string who, string what, string? kid, IPAddress? address, string? path, long unwritten)
    {
        LogOptions options = files.Options;
        Utf8Line line = new(stackalloc byte[LineBytes], options.Format == LogFormat.Json);
        bool json = line.Json;
        line.Ours(json ? "{\"time\":\""u8 : default);
        line.Time(now);
        line.Ours(json ? "\",\"from\":\""u8 : " "u8);
        line.Address(address, options.Address);
        line.Ours(json ? "\",\"who\":\""u8 : " \""u8);
        line.Outside(who, 256);
        line.Ours(json ? "\",\"what\":\""u8 : "\" \""u8);
        Secrets.Prose(ref line, what, 1024);
        if (path is not null)
        {
            line.Ours(json ? "\",\"path\":\""u8 : "\" path=\""u8);
            Secrets.Url(ref line, path, 1024);
        }
        if (kid is not null)
        {
            line.Ours(json ? "\",\"kid\":\""u8 : "\" kid=\""u8);
            line.Outside(kid, 256);
        }
        line.Ours("\""u8);
        if (unwritten > 0)
        {
            line.Ours(json ? ",\"and_before\":"u8 : " and_before="u8);
            line.Number(unwritten);
        }
        line.Ours(json ? "}\n"u8 : "\n"u8);
        files.Audit.Write(line.Written);
    }

    private sealed class Refusals
    {
        public long Count;
        public long Unwritten;
        public long Written;
    }
}
