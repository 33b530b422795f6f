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
    private DateTimeOffset _swept;

    /// <param name="reason">One of our own words, such as "expired"; never text from outside.</param>
    /// <param name="kid">The id of the key the grant names, never the grant.</param>
    public void Refused(string reason, string? kid, IPAddress? address, string? path)
    {
        DateTimeOffset now = files.Now;
        long unwritten;
        lock (_gate)
        {
            Refusals of = Known(reason, address, now);
            if (of.Count > 0 && now - of.Written < s_apart && now >= of.Written)
            {
                of.Unwritten++;
                return;
            }
            of.Count++;
            of.Written = now;
            unwritten = of.Unwritten;
            of.Unwritten = 0;
        }
        Write(now, "refused", reason, kid, address, path, unwritten);
    }

    /// <summary>Somebody changed something: Event("admin", "made the stream key studio-1", address).</summary>
    public void Event(string who, string what, IPAddress? from) => Write(files.Now, who, what, null, from, null, 0);

    public void Dispose()
    {
        lock (_gate)
        {
            Sweep(DateTimeOffset.MaxValue);
        }
    }

    private Refusals Known(string reason, IPAddress? address, DateTimeOffset now)
    {
        if (now - _swept > TimeSpan.FromMinutes(1) || now < _swept)
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

    private void Sweep(DateTimeOffset now)
    {
        _swept = now;
        foreach (((string reason, IPAddress? address), Refusals of) in _refused)
        {
            if (now - of.Written < s_apart && now >= of.Written)
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
        public DateTimeOffset Written;
    }
}
