using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Hooks;

/// <summary>
/// Writes down what is told and posts it, of each stream one after the other, until the site has taken it or a day is over. The bytes come
/// from the spool at every attempt; a process that dies between the site's answer and the row's end only posts the event once more.
/// </summary>
public sealed partial class HookSender : IHostedService, IDisposable
{
    private const int MostAtOnce = 8;
    private const int MostWritten = 1000;

    /// <summary>How long an event is tried; then it waits for an operator.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromHours(24);

    // Another process, the operator's command, may have replayed some.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(3);

    private readonly HookEvents _events;
    private readonly HookEndpoint _endpoint;
    private readonly HookPost _post;
    private readonly Func<HookOptions> _options;
    private readonly Func<string> _folder;
    private readonly Supervisor _supervisor;
    private readonly TimeProvider _clock;
    private readonly ILogger<HookSender> _log;

    private readonly SemaphoreSlim _news = new(0, 1);
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;
    private int _disposed;

    // The loop's alone.
    private readonly HookLanes _lanes = new();
    private volatile HookSpool? _spool;
    private volatile string? _fault;

    private volatile bool _isBack;
    private readonly Lock _gate = new();
    private readonly List<(HookLanes.Lane Lane, SpooledEvent Event, HookReply Reply)> _done = [];
    private long _delivered;
    private long _failed;
    private long _givenUp;
    private long _dropped;

    internal HookSender(HookEvents events, HookEndpoint endpoint, HookPost post, Func<HookOptions> options, Func<string> folder, Supervisor supervisor,
        TimeProvider clock, ILogger<HookSender> log)
    {
        (_events, _endpoint, _post, _options, _folder, _supervisor, _clock, _log) = (events, endpoint, post, options, folder, supervisor, clock, log);
        _events.Told = Wake;
        _endpoint.Turned = Turned;
    }

    /// <summary>Null as long as no event was ever told.</summary>
    public HookSpool? Spool => _spool;

    /// <summary>Why events are not written down; null: they are.</summary>
    public string? Fault => _fault;

    public bool IsConfigured => _options().Url.Length > 0;

    /// <summary>Where they go, without what a query may hold.</summary>
    public string Receiver => _options().Receiver?.GetLeftPart(UriPartial.Path) ?? "";

    public long Delivered => Volatile.Read(ref _delivered);
    public long FailedAttempts => Volatile.Read(ref _failed);
    public long GivenUp => Volatile.Read(ref _givenUp);

    /// <summary>Found the spool full.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Events that wait for an operator.</summary>
    public int Dead { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _running = _supervisor.RunAsync("hooks", RunAsync, _stop.Token);
        return Task.CompletedTask;
    }

    private void Wake()
    {
        try
        {
            _news.Release();
        }
        catch (SemaphoreFullException)
        {
            // It has been told.
        }
    }

    private async Task RunAsync(SupervisedLoop loop)
    {
        // Not on the thread that starts the server, nor on the threads of sockets: the spool may wait for the disk.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            loop.Beat();
            var pause = Turn();
            loop.Rest();
            using var due = new CancellationTokenSource(pause, _clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token, due.Token);
            await ((Task)_news.WaitAsync(either.Token)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        }
    }

    /// <returns>When to look again without news.</returns>
    private TimeSpan Turn()
    {
        try
        {
            if (!IsOpen())
                return LookEvery;
            Settle();
            Look();
            Write();
            var pause = Begin();
            _fault = null;
            return pause;
        }
        catch (Exception e) when (e is DatabaseException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            if (_fault != e.Message)
                LogFault(e.Message);
            _fault = e.Message;
            return TimeSpan.FromSeconds(1);
        }
    }

    private bool IsOpen()
    {
        if (_spool is not null)
            return true;
        var path = Path.Combine(_folder(), HookSpool.FileName);
        if (!IsConfigured && _events.InMemory == 0 && !File.Exists(path))
            return false;
        HookSpool spool;
        try
        {
            spool = HookSpool.Open(path, _clock);
        }
        catch (DatabaseException e) when (e.Fault == DatabaseFault.Damaged)
        {
            foreach (var part in (string[])["", "-wal", "-shm"])
            {
                if (File.Exists(path + part))
                    File.Move(path + part, path + ".damaged" + part, overwrite: true);
            }
            LogAside(path, e.Message);
            spool = HookSpool.Open(path, _clock);
        }
        spool.Changed = Wake;
        _spool = spool;
        return true;
    }

    private void Write()
    {
        while (_events.Oldest(MostWritten) is { Count: > 0 } told)
        {
            var places = _spool!.Put(told);
            _events.Kept(told.Count);
            for (var i = 0; i < told.Count; i++)
            {
                if (places[i] != 0)
                    _lanes.Add(places[i], told[i].Lane);
                else if (Interlocked.Increment(ref _dropped) == 1)
                    LogFull(HookSpool.MostEvents, HookSpool.MostBytes >> 20);
            }
        }
    }

    private void Look()
    {
        if (!_spool!.HasChanged())
            return;
        _lanes.Load(_spool.Waiting());
        Dead = _spool.CountDead();
    }

    private TimeSpan Begin()
    {
        var now = _clock.GetTimestamp();
        var options = _options();
        if (options.Url.Length == 0)
            return LookEvery;
        if (_isBack)
        {
            _isBack = false;
            _lanes.Release();
        }
        var most = _endpoint.IsSilent ? 1 : MostAtOnce;
        while (_lanes.Running < most && now >= _endpoint.PauseUntil && _lanes.Next(now) is { } lane)
            Begin(lane, options, now);
        if (_lanes.Running >= most || _lanes.NextDue is not { } due)
            return LookEvery;
        var pause = _clock.GetElapsedTime(now, Math.Max(due, _endpoint.PauseUntil));
        return pause < LookEvery ? TimeSpan.FromTicks(Math.Max(pause.Ticks, TimeSpan.TicksPerMillisecond)) : LookEvery;
    }

    private void Turned(bool isSilent)
    {
        if (isSilent)
            LogSilent(Receiver, _endpoint.Trouble ?? "");
        else
        {
            LogHeard(Receiver);
            _isBack = true;
            Wake();
        }
    }

    /// <summary>What was told until now is written down, and may be posted for a moment more; the rest waits for the next start.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var begun = _clock.GetTimestamp();
        Wake();
        while (!_running.IsCompleted && !cancellationToken.IsCancellationRequested && _clock.GetElapsedTime(begun) < LastPatience
            && (_events.InMemory > 0 && _fault is null || IsConfigured && _endpoint.Trouble is null && _lanes.Count > 0))
            await Task.Delay(TimeSpan.FromMilliseconds(10), CancellationToken.None);
        await _stop.CancelAsync();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        try
        {
            if (IsOpen())
            {
                Settle();
                Write();
            }
        }
        catch (Exception e) when (e is DatabaseException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            LogFault(e.Message);
        }
    }

    // It is registered as itself and as what the host runs, and so disposed of twice.
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        _stop.Cancel();
        _post.Dispose();
        _spool?.Dispose();
        _stop.Dispose();
        _news.Dispose();
    }
}
