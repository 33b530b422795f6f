using System.Net.Sockets;
using System.Security.Authentication;
using XLive.Media.Rtmp;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Forward;

/// <summary>
/// One stream on its way to another server, as a viewer of it: from the last keyframe on, and again from there when the connection is lost. A target that is too
/// slow misses frames like any viewer, and costs the publisher nothing.
/// </summary>
internal sealed class Forward(ForwardEntry entry, LiveStream stream, Forwards home)
{
    // A socket that takes nothing for so long has nobody behind it.
    private static readonly TimeSpan ToSend = TimeSpan.FromSeconds(10);

    // When it is no longer wanted: for what is on its way, a word that it may begin or a run of messages. The good-bye comes behind it.
    private static readonly TimeSpan ToFinish = TimeSpan.FromSeconds(2);

    private readonly RtmpAddress _address = entry.For(stream.Name);
    private readonly RelayPause _pause = new();
    private CancellationToken _stop;

    public ForwardEntry Entry => entry;
    public LiveStream Stream => stream;
    public string Host => _address.Shown;

    /// <summary>Why the last try failed; while it is taken, empty.</summary>
    public string Trouble { get; private set; } = "";

    public bool IsTaken { get; private set; }

    public Task RunAsync(CancellationToken stop)
    {
        _stop = stop;
        return home.Supervisor.RunAsync($"forward {stream.Name}", TurnsAsync, stop);
    }

    private async Task TurnsAsync(SupervisedLoop loop)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested && !stream.IsOver)
        {
            loop.Rest();
            var began = await TurnAsync();
            if (_stop.IsCancellationRequested || stream.IsOver)
                return;
            var pause = _pause.Next(began);
            home.Said(stream.Name, Trouble, pause);
            await Task.Delay(pause, home.Clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>Whether the other side took it for a while.</returns>
    private async Task<bool> TurnAsync()
    {
        if (!home.Path.TryExtend(stream.Publication?.Publisher.Software ?? "", out var path))
        {
            Trouble = "it came by too many relays";
            return false;
        }
        using var patience = new Patience(home.Clock, CancellationToken.None);
        using var stop = _stop.UnsafeRegister(static o => ((Patience)o!).For(ToFinish), patience);
        try
        {
            await using var remote = await RtmpRemote.BeginAsync(_address, _address.Target(publishes: true, path), home.Clock, patience);
            (IsTaken, Trouble) = (true, $"{Host} closed the connection");
            home.SaidBegun(stream.Name, Host);
            await FeedAsync(remote, patience);
        }
        catch (OperationCanceledException)
        {
            Trouble = IsTaken ? $"{Host} takes nothing" : $"{Host} does not answer";
        }
        catch (RemoteException e)
        {
            Trouble = e.Message;
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or RtmpException)
        {
            Trouble = $"{Host}: {e.GetType().Name}";
        }
        var wasTaken = IsTaken;
        IsTaken = false;
        return wasTaken;
    }

    private async Task FeedAsync(RtmpRemote remote, Patience patience)
    {
        using var cursor = stream.Watch(ViewerKind.Forward);
        // What it says is read beside: acknowledgements, pings, and its end.
        using var read = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        using var gone = new CancellationTokenSource();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(gone.Token, _stop);
        var reading = ReadAsync(remote, gone, read.Token);
        try
        {
            await SendAsync(remote, cursor, patience, over.Token);
        }
        finally
        {
            await read.CancelAsync();
            await reading;
        }
        if (!gone.IsCancellationRequested)
            await remote.LeaveAsync();
    }

    private async Task SendAsync(RtmpRemote remote, Cursor cursor, Patience patience, CancellationToken over)
    {
        var messages = new ForwardMessages(remote.StreamId);
        messages.Begin(cursor.Video, cursor.Audio, (uint)cursor.From.Milliseconds);
        var skipped = 0L;
        while (!over.IsCancellationRequested)
        {
            if (messages.Written.IsEmpty)
            {
                var (coming, isOver) = (cursor.Coming, cursor.IsOver);
                if (!cursor.TryRead(ForwardMessages.Most, out var piece))
                {
                    if (isOver)
                        return;
                    await coming.WaitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    continue;
                }
                // It lost some, and with them perhaps what the tracks are now.
                if (cursor.Skipped != skipped)
                {
                    skipped = cursor.Skipped;
                    messages.Tell(stream.Video, stream.Audio, ForwardMessages.TimeOf(piece.Bytes.Span));
                }
                messages.Add(piece.Bytes.Span);
                piece.Owner.Release();
            }
            patience.For(ToSend);
            // Said since, or by now.
            if (_stop.IsCancellationRequested)
                patience.For(ToFinish);
            await remote.SendAsync(messages.Written, patience.Token);
            patience.Endless();
            messages.Clear();
        }
    }

    private static async Task ReadAsync(RtmpRemote remote, CancellationTokenSource gone, CancellationToken stop)
    {
        try
        {
            while (await remote.NextAsync(stop) is { Kind: not RtmpEventKind.Refused })
            {
            }
        }
        catch (OperationCanceledException)
        {
            // There is nothing more to be heard.
            return;
        }
        catch (Exception e) when (e is IOException or SocketException or RtmpException)
        {
            // As if it had closed.
        }
        await gone.CancelAsync();
    }
}
