using System.Net;
using System.Text.Json;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Tests.Traffic;

/// <summary>Counters and ledger in a folder of their own, without a server, with time that passes when the test says so.</summary>
internal sealed class LedgerHouse : IDisposable
{
    private LedgerStart _start = null!;

    public LedgerHouse(TrafficOptions? options = null)
    {
        Options = options ?? new TrafficOptions();
        Folder = Directory.CreateTempSubdirectory("xlive-ledger-").FullName;
        Start();
    }

    public HandClock Clock { get; } = new();
    public AddressPrivacy Privacy { get; set; }
    public TrafficOptions Options { get; set; }
    public string Folder { get; }
    public string Traffic => Path.Combine(Folder, "traffic");
    public UserMeters Meters { get; private set; } = null!;
    public Ledger Ledger { get; private set; } = null!;
    public IReadOnlyList<string> Warnings => _start.Warnings;
    public Outbox Outbox => Ledger.Outbox;

    public void Start()
    {
        _start = LedgerStart.In(Traffic, Options, Clock);
        Meters = new UserMeters(_start.Slots, new TrafficClock(Clock));
        Ledger = new Ledger(_start.File, Meters, () => Options, Clock) { IsReporting = static () => true, Privacy = () => Privacy };
    }

    /// <summary>As kill -9 leaves it: what is mapped is the kernel's, and the file of the counters is as it was at this moment.</summary>
    public void Kill()
    {
        Ledger.Dispose();
        Meters.Dispose();
    }

    public void KillAndStart()
    {
        Kill();
        Start();
    }

    /// <summary>A look each second, as the server has it; each minute where days pass.</summary>
    public void Pass(TimeSpan time)
    {
        var step = TimeSpan.FromSeconds(time > TimeSpan.FromHours(24) ? 60 : 1);
        for (var left = time; left > TimeSpan.Zero; left -= step)
        {
            Clock.Pass(step);
            Ledger.Sync();
            Ledger.Look();
        }
    }

    public void PassAWindow() => Pass(Options.ReportInterval);

    public Meter Watch(string uid, long bytes, FileKind kind = FileKind.Ts, string address = "192.0.2.1", string sid = "s1")
    {
        var meter = Meters.Open(uid, sid);
        meter.CountRequest(kind, IPAddress.Parse(address));
        meter.Charge(kind, bytes);
        return meter;
    }

    /// <summary>Takes what lies in the outbox, as a receiver does.</summary>
    public List<JsonElement> Receive()
    {
        List<JsonElement> reports = [];
        while (Outbox.Oldest() is { } report)
        {
            reports.Add(JsonDocument.Parse(report.Body).RootElement);
            Outbox.Acknowledge(report);
        }
        return reports;
    }

    public void Dispose()
    {
        Kill();
        Directory.Delete(Folder, recursive: true);
    }
}

internal static class Reports
{
    public static Dictionary<string, long> BytesByUid(this IEnumerable<JsonElement> reports) =>
        reports.SelectMany(r => r.GetProperty("items").EnumerateArray())
            .GroupBy(i => i.GetProperty("uid").GetString()!)
            .ToDictionary(g => g.Key, g => g.Sum(i => i.GetProperty("total_bytes").GetInt64()));
}
