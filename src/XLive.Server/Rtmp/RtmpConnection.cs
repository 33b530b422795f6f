using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using XLive.Media.Rtmp;
using XLive.Server.Door;
using XLive.Server.Limits;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Rtmp;

/// <summary>
/// One RTMP connection up to `publish` or `play`; from then on what comes goes to the one role or the other. Reads the pipe, drives the session, sends what it answers. All of
/// it is one task; <see cref="Look"/> and <see cref="Close"/> come from others, and only leave word and wake it.
/// </summary>
internal sealed class RtmpConnection : IDisposable
{
    // From the first byte to publish or play: five round trips. Bytes that come one by one make it no longer. nginx-rtmp gives 60 s, SRS 30.
    private static readonly TimeSpan ForItsCommands = TimeSpan.FromSeconds(10);

    // A publisher whose cable was pulled is gone after 10 s, looks once a second included. No encoder pauses: silence is sent too.
    private static readonly TimeSpan ForItsMedia = TimeSpan.FromSeconds(9);

    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(30);

    // The last answer must be read before the reset that unread media would bring.
    private static readonly TimeSpan ToRead = TimeSpan.FromSeconds(2);

    // Answers to what came in one piece. Then they are sent first.
    private const int MostUnsent = 64 << 10;

    private const string Rejected = "NetConnection.Connect.Rejected";

    private readonly ConnectionContext _context;
    private readonly RtmpConnections _home;
    private readonly PipeReader _input;
    private readonly RtmpOutput _output;
    private readonly RtmpServerSession _session = new(Random.Shared);
    private IRtmpPublisher? _publisher;
    private RtmpPlaying? _playing;
    private OpenConnection? _place;

    // Written by the connection's task, read by the looks.
    private long _since; // of a publisher the last byte, of others when they began to owe a command
    private volatile bool _deciding;
    private volatile bool _silent;

    // Left by others for the connection's task.
    private volatile Tuple<string, string>? _closing;
    private long _pinged;

    public RtmpConnection(ConnectionContext context, RtmpConnections home)
    {
        (_context, _home) = (context, home);
        _input = context.Transport.Input;
        _output = new RtmpOutput(context.Features.Get<BodyOutput>()!);
        _since = _pinged = home.Clock.GetTimestamp();
    }

    /// <summary>The client's, where a proxy in front says so; null: not over IP.</summary>
    public IPAddress? Remote => (_context.RemoteEndPoint as IPEndPoint)?.Address is { } address ? address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address : null;

    /// <summary>Here, or before the proxy in front.</summary>
    public bool IsTls => _context.Features.Get<ITlsHandshakeFeature>() is not null || _context.Features.Get<ClientOverTls>() is not null;

    /// <summary>What the peer said in its connect; set before anybody is asked about it.</summary>
    public RtmpConnect Connect { get; private set; } = null!;

    /// <summary>Of limits.connections.</summary>
    public ConnectionPlaces? Places { get; private set; }

    /// <summary>What its bodies take from besides its viewer's own pace.</summary>
    public SharedPaces? Paces
    {
        set => _output.Paces = value;
    }

    public bool IsPublishing => _publisher is not null;
    public bool IsPlaying => _playing is not null;
    public int Held => _session.Held;

    /// <summary>Ends it with a word, from any thread: a kick, a take-over.</summary>
    public void Close(string code, string description)
    {
        _closing = Tuple.Create(code, description);
        _input.CancelPendingRead();
    }

    /// <summary>Once a second, by the watch over all of them.</summary>
    public void Look(long now)
    {
        var silence = _home.Clock.GetElapsedTime(Volatile.Read(ref _since), now);
        var most = IsPublishing ? ForItsMedia : ForItsCommands;
        if (!IsPlaying && !_deciding && silence > most && !_silent)
        {
            _silent = true;
            _home.CountSilent();
            // What a dead peer is sent nobody reads: no orderly end.
            _context.Abort(new ConnectionAbortedException("nothing came"));
        }
        else if (IsPlaying && _home.Clock.GetElapsedTime(_pinged, now) > PingEvery)
        {
            // A player says nothing for hours; its task is woken to ask it.
            _pinged = now;
            _input.CancelPendingRead();
        }
    }

    public async Task RunAsync()
    {
        using var stopping = _context.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested
            .UnsafeRegister(static o => ((RtmpConnection)o!).Close("NetConnection.Connect.AppShutdown", "The server stops."), this);
        _place = _context.Features.Get<OpenConnection>();
        Places = _place?.Places;
        var end = RtmpEnd.Closed;
        try
        {
            end = await ReadAsync();
        }
        catch (RtmpException fault)
        {
            end = RtmpEnd.Faulty;
            _home.Count(fault, Remote);
        }
        catch (Exception e) when (e is ConnectionResetException or ConnectionAbortedException or IOException or OperationCanceledException)
        {
            // As if it had closed.
        }
        finally
        {
            await EndRoleAsync(_silent ? RtmpEnd.Silent : end);
        }
    }

    private async Task<RtmpEnd> ReadAsync()
    {
        while (true)
        {
            var result = await _input.ReadAsync();
            var buffer = result.Buffer;
            if (_closing is { } word)
            {
                _input.AdvanceTo(buffer.End);
                _session.Close(word.Item1, word.Item2);
                await FlushAsync();
                await LingerAsync();
                return RtmpEnd.Cut;
            }
            if (_playing is { IsOver: true })
                await EndPlayAsync();
            if (!buffer.IsEmpty && IsPublishing)
                Stamp();
            foreach (var piece in buffer)
                await ReadAsync(piece);
            _session.Tick(Now);
            await FlushAsync();
            _input.AdvanceTo(buffer.End);
            if (_session.IsOver)
            {
                await LingerAsync();
                return RtmpEnd.Cut;
            }
            if (result.IsCompleted)
                return RtmpEnd.Closed;
        }
    }

    private void Stamp() => Volatile.Write(ref _since, _home.Clock.GetTimestamp());

    private async ValueTask ReadAsync(ReadOnlyMemory<byte> piece)
    {
        while (true)
        {
            var any = _session.Read(piece, Now, out var consumed, out var occurred);
            piece = piece[consumed..];
            if (_place is not null && _session.IsHandshakeDone)
            {
                // No longer one of those that have brought nothing (server.header_timeout), nor one that rests between two requests.
                _place.Began();
                _place = null;
            }
            if (_session.Output.WrittenCount > MostUnsent)
                await FlushAsync();
            if (!any)
                return;
            if (occurred.Kind is RtmpEventKind.Audio or RtmpEventKind.Video or RtmpEventKind.Data)
                _publisher!.Take(occurred);
            else
                await TakeAsync(occurred);
        }
    }

    private async ValueTask TakeAsync(RtmpEvent occurred)
    {
        switch (occurred.Kind)
        {
            case RtmpEventKind.ConnectRequested:
                Connect = occurred.Connect;
                if (!_home.IsApp(Connect.App))
                    Refuse(Rejected, "There is no application of that name.");
                else if (Places is { } places && _home.Limits.IsOn && _home.Limits.Take(places, Remote, isShared: false) is { } tooMany)
                    Refuse(Rejected, tooMany.Words);
                else
                    _session.Accept();
                break;
            case RtmpEventKind.PublishRequested:
                await PublishAsync(occurred.Publish);
                break;
            case RtmpEventKind.PlayRequested:
                await PlayAsync(occurred.Play);
                break;
            case RtmpEventKind.PublishEnded or RtmpEventKind.PlayEnded:
                await EndRoleAsync(RtmpEnd.Said);
                Stamp();
                break;
            default:
                _playing?.Player.Tell(occurred.Kind);
                break;
        }
    }

    private async ValueTask PublishAsync(RtmpPublish publish)
    {
        await FlushAsync();
        _deciding = true;
        var admission = _home.Publishers is { } publishers
            ? await publishers.AdmitAsync(this, publish, _context.ConnectionClosed)
            : RtmpAdmission<IRtmpPublisher>.Refused("NetStream.Publish.Denied", "This server takes no streams.");
        Stamp();
        _publisher = admission.Role;
        _deciding = false;
        if (_publisher is null)
            Refuse(admission.Code, admission.Description, admission.Refusal);
        else
            _session.Accept();
    }

    private async ValueTask PlayAsync(RtmpPlay play)
    {
        await FlushAsync();
        _deciding = true;
        var admission = _home.Players is { } players
            ? await players.AdmitAsync(this, play, _context.ConnectionClosed)
            : RtmpAdmission<IRtmpPlayer>.Refused("NetStream.Play.StreamNotFound", "There is no such stream.");
        Stamp();
        _playing = admission.Role is { } player ? new RtmpPlaying(player, _context) : null;
        _deciding = false;
        if (_playing is null)
        {
            Refuse(admission.Code, admission.Description, admission.Refusal);
            return;
        }
        _session.Accept();
        await FlushAsync();
        _playing.Begin(_output, _session.StreamId);
    }

    /// <summary>The stream is over, the connection is not: its player may ask for another.</summary>
    private async ValueTask EndPlayAsync()
    {
        if (_session.IsPlaying)
            _session.EndPlay();
        await EndRoleAsync(RtmpEnd.Said);
        Stamp();
    }

    private void Refuse(string code, string description, RtmpRefusal? refusal = null)
    {
        _home.CountRefused(code, refusal, Remote);
        _session.Refuse(code, description);
    }

    private async ValueTask EndRoleAsync(RtmpEnd how)
    {
        if (Interlocked.Exchange(ref _publisher, null) is { } publisher)
            publisher.End(how);
        if (_playing is not null)
            await _playing.DisposeAsync();
        _playing = null;
    }

    private async ValueTask FlushAsync()
    {
        if (_session.Output.WrittenCount == 0)
            return;
        var there = await _output.SendAsync(_session.Output.WrittenMemory);
        _session.Output.ResetWrittenCount();
        if (!there)
            throw new ConnectionAbortedException("the peer has gone");
    }

    private async ValueTask LingerAsync()
    {
        using var patience = new CancellationTokenSource(ToRead, _home.Clock);
        try
        {
            while (true)
            {
                var result = await _input.ReadAsync(patience.Token);
                _input.AdvanceTo(result.Buffer.End);
                if (result.IsCompleted)
                    return;
            }
        }
        catch (OperationCanceledException)
        {
            // It goes on sending.
        }
    }

    private uint Now => (uint)(_home.Clock.GetTimestamp() / (_home.Clock.TimestampFrequency / 1000));

    public void Dispose() => _output.Dispose();
}
