using System.Globalization;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>One origin: its connections, how it has answered so far, and whether it is asked.</summary>
internal sealed class OriginServer : IDisposable
{
    // RFC 9113, 6.5.2: no server should allow fewer streams on a connection.
    private const int StreamsPerConnection = 100;

    /// <summary>One that had no HTTP/2 is asked for it again when its connections are new.</summary>
    private static readonly TimeSpan WithoutHttp2 = TimeSpan.FromMinutes(3);

    private readonly Func<OriginOptions> _options;
    private readonly TimeProvider _clock;
    private readonly Turns _all;
    private int _pending;
    private long _withoutHttp2Since;
    private volatile string? _known;

    public OriginServer(OriginAddress address, int index, Func<OriginOptions> options, Turns all, TimeProvider clock)
    {
        Address = address;
        Bit = 1u << index;
        _options = options;
        _all = all;
        _clock = clock;
        var now = options();
        Http1 = new OriginPool(now, isHttp2: false);
        Http2 = new OriginPool(now, isHttp2: true);
        Connections = new Turns(now.ConnectorLimitPerHost, all.MostWaiting);
        Streams = new Turns(now.ConnectorLimitPerHost * StreamsPerConnection, all.MostWaiting);
        Latency = new OriginLatency(clock);
        Breaker = new Breaker(clock) { Changed = state => BreakerChanged?.Invoke(this, state) };
    }

    public OriginAddress Address { get; }

    /// <summary>Host and port.</summary>
    public string Name => Address.Name;

    /// <summary>Its place in a set of origins.</summary>
    public uint Bit { get; }

    public OriginPool Http1 { get; }

    public OriginPool Http2 { get; }

    /// <summary>Requests over HTTP/1.1, each of which has a connection for itself.</summary>
    public Turns Connections { get; }

    /// <summary>Requests over HTTP/2, which share connections.</summary>
    public Turns Streams { get; }

    public OriginStats Stats { get; } = new();

    public OriginLatency Latency { get; }

    public Breaker Breaker { get; }

    public Action<OriginServer, BreakerState>? BreakerChanged { get; init; }

    /// <summary>Why it failed last; "" as long as it never did.</summary>
    public string LastFault { get; private set; } = "";

    /// <summary>Requests whose answer has not ended.</summary>
    public int Pending => Volatile.Read(ref _pending);

    /// <summary>A path it has answered, or was asked at least.</summary>
    public string? KnownPath => _known;

    /// <exception cref="OriginException">There is no answer that will do.</exception>
    public async Task<OriginAnswer> AskAsync(Asking asking, TimeSpan patience, CancellationToken cancel)
    {
        var options = _options();
        var request = asking.Request;
        var isHttp2 = IsHttp2(options, request.Kind) && !asking.IsHedge;
        using var late = new CancellationTokenSource(patience, _clock);
        using var cancelled = cancel.UnsafeRegister(static l => ((CancellationTokenSource)l!).Cancel(), late);
        await TakeAsync(isHttp2, asking.IsHedge, late.Token, cancel);
        Interlocked.Increment(ref _pending);
        Stats.Asked();
        _known ??= request.Path;
        HttpResponseMessage? response = null;
        try
        {
            using var message = Address.Write(asking, options, isHttp2, out var asked);
            var began = _clock.GetTimestamp();
            var pool = isHttp2 ? Http2 : Http1;
            response = await pool.SendAsync(message, late.Token);
            if (isHttp2 && response.Version.Major == 1)
                Volatile.Write(ref _withoutHttp2Since, _clock.GetTimestamp() | 1);
            var head = Read(response, asked, pool);
            if (!request.MayBlock)
                Latency.Took(_clock.GetElapsedTime(began));
            Judge(head.Status, request.Path);
            var body = await response.Content.ReadAsStreamAsync(CancellationToken.None);
            return new OriginAnswer(this, response, body, head, isHttp2, _clock, options.IdleTimeout);
        }
        catch (Exception e)
        {
            response?.Dispose();
            Ended(isHttp2);
            if (e is not OriginException)
                cancel.ThrowIfCancellationRequested();
            var told = e as OriginException ?? OriginWords.Told(e, Name);
            Failed(told);
            throw told;
        }
    }

    /// <summary>An answer has ended, whichever way.</summary>
    public void Ended(bool isHttp2)
    {
        Interlocked.Decrement(ref _pending);
        if (!isHttp2)
            _all.Return();
        (isHttp2 ? Streams : Connections).Return();
    }

    public void Failed(OriginException e)
    {
        Stats.Failed(e);
        LastFault = e.Message;
        // Another version is a good answer: the origin is well.
        if (e.Fault is OriginFault.Changed)
            Breaker.Good();
        else if (e.Fault is not OriginFault.Busy)
            Breaker.Bad(e.WhileConnecting);
    }

    // nginx 1.22 over TLS, our CPU a request: 2 KiB, 16 at once: 15 µs over HTTP/2, 22 over HTTP/1.1; 1 MiB, 8 at once: 1,090 µs over
    // HTTP/2, 760 over HTTP/1.1, for every byte goes through one more buffer. docs/origin.md has the table.
    private bool IsHttp2(OriginOptions options, OriginKind kind)
    {
        if (options.Http2 != OriginHttp2.Auto)
            return options.Http2 == OriginHttp2.On;
        var since = Volatile.Read(ref _withoutHttp2Since);
        return Address.IsHttps && kind != OriginKind.Media && (since == 0 || _clock.GetElapsedTime(since) > WithoutHttp2);
    }

    private async ValueTask TakeAsync(bool isHttp2, bool mustBeFree, CancellationToken late, CancellationToken cancel)
    {
        var own = isHttp2 ? Streams : Connections;
        if (!await TakeAsync(own, mustBeFree, late, cancel))
            throw Busy("too many requests wait for a connection to " + Name);
        try
        {
            // A stream is no connection: its origin's bound is enough.
            if (isHttp2 || await TakeAsync(_all, mustBeFree, late, cancel))
                return;
        }
        catch
        {
            own.Return();
            throw;
        }
        own.Return();
        throw Busy("too many requests wait for a connection");
    }

    private async ValueTask<bool> TakeAsync(Turns turns, bool mustBeFree, CancellationToken late, CancellationToken cancel)
    {
        if (mustBeFree)
            return turns.TryTake();
        try
        {
            return await turns.TakeAsync(late);
        }
        catch (OperationCanceledException)
        {
            cancel.ThrowIfCancellationRequested();
            throw Busy("no connection to " + Name + " became free in time");
        }
    }

    private OriginException Busy(string why)
    {
        var busy = new OriginException(OriginFault.Busy, why);
        Stats.Failed(busy);
        return busy;
    }

    private AnswerHead Read(HttpResponseMessage response, in Asked asked, OriginPool pool)
    {
        try
        {
            return AnswerHead.Read(response, asked);
        }
        catch (OriginException e)
        {
            if (e.IsLie)
                pool.Renew();
            throw new OriginException(e.Fault, Name + ": " + e.Message);
        }
    }

    private void Judge(int status, string path)
    {
        if (status is 502 or 503 or 504)
        {
            Stats.FailedByStatus();
            LastFault = string.Create(CultureInfo.InvariantCulture, $"{Name} answered {status}");
            Breaker.Bad(whileConnecting: false);
            return;
        }
        Breaker.Good();
        if (_known != path)
            _known = path;
    }

    public void Dispose()
    {
        Http1.Dispose();
        Http2.Dispose();
    }
}
