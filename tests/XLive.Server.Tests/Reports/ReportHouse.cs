using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Quotas;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Tests.Reports;

/// <summary>The ledger with its reporter and no server around them: posts go over real sockets, and time passes when the test says so.</summary>
internal sealed class ReportHouse : IAsyncDisposable
{
    public const string Key = "key-of-the-house";

    private static readonly TimeSpan LongestStop = TimeSpan.FromSeconds(11);

    private Reporter? _reporter;

    public ReportHouse(string url, TrafficOptions? options = null)
    {
        Books = new LedgerHouse(options);
        Receiver = new ReportOptions { ReportUrl = url, ApiKey = Key };
        Verdicts = new Verdicts(Books.Ledger.Db);
    }

    public LedgerHouse Books { get; }
    public ReportOptions Receiver { get; set; }
    public Verdicts Verdicts { get; private set; }
    public HandClock Clock => Books.Clock;
    public string? Trouble => _reporter!.Trouble;
    public TrafficTotals Totals => Books.Ledger.Totals();

    public async Task StartAsync()
    {
        _reporter = new Reporter(Books.Ledger, Verdicts, () => Receiver, new Supervisor(TimeProvider.System), Clock, NullLogger<Reporter>.Instance);
        await _reporter.StartAsync(CancellationToken.None);
    }

    /// <summary>A window in which these users take two megabytes each, and its cut.</summary>
    public void Window(params string[] uids)
    {
        foreach (var uid in uids)
            Books.Watch(uid, 2 << 20);
        Clock.Pass(Books.Options.ReportInterval);
        Books.Ledger.Look();
    }

    /// <summary>The reporter has failed so many times and waits for its next attempt. Says how long.</summary>
    public TimeSpan PauseAfter(int failures)
    {
        Until.True(() => Totals.ReportsFailed == failures && Clock.Timers.Length == 1, $"{failures} attempts that failed");
        return Clock.Timers[0];
    }

    public void UntilTaken() => Until.Equal(0, () => Books.Outbox.Depth().Waiting, "reports that wait");

    /// <summary>All that lies in the outbox, and stays there.</summary>
    public List<Report> Waiting() => [.. Books.Outbox.List(10_000).Select(e => Books.Outbox.Find(e.Id)!)];

    public static IEnumerable<JsonElement> Items(byte[] body) => JsonDocument.Parse(body).RootElement.GetProperty("items").EnumerateArray();

    public async Task StopAsync(bool passes = true)
    {
        if (_reporter is null)
            return;
        var stopping = _reporter.StopAsync(CancellationToken.None);
        if (passes)
            Clock.Pass(LongestStop);
        await stopping;
        _reporter.Dispose();
        _reporter = null;
    }

    /// <summary>As kill -9 leaves it, and a start.</summary>
    public async Task KillAndStartAsync()
    {
        _reporter!.Dispose();
        Books.KillAndStart();
        Verdicts = new Verdicts(Books.Ledger.Db);
        await StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Books.Dispose();
    }
}
