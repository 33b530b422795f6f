using XLive.Media;
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
    private bool _isUnsaid;

    public ForwardEntry Entry => entry;
    public LiveStream Stream => stream;
    public string Host => _address.Shown;

    /// <summary>Why the last try failed; while it is taken, empty.</summary>
    public string Trouble { get; private set; } = "";

    public bool IsTaken { get; private set; }

    /// <summary>A codec that is sent to a target which has named none, so that nobody knows whether it can read it; mostly empty.</summary>
    public string Undeclared => !_isUnsaid ? "" : IsOld(stream.Video) ? IsOld(stream.Audio) ? "" : stream.Audio!.CodecName : stream.Video!.CodecName;

    private static bool IsOld(Track? track) => track is null || RtmpCodecs.Old.Takes(track.Codec);

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
            var lasted = await TurnAsync();
            if (_stop.IsCancellationRequested || stream.IsOver)
                return;
            var pause = _pause.Next(lasted);
            home.Said(stream.Name, Trouble, pause);
            await Task.Delay(pause, home.Clock, _stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How long the other side took it.</returns>
    private async Task<TimeSpan> TurnAsync()
    {
        if (!home.Path.TryExtend(stream.Publication?.Publisher.Software ?? "", out var path))
        {
            Trouble = "it came by too many relays";
            return default;
        }
        using var patience = new Patience(home.Clock, CancellationToken.None);
        using var stop = _stop.UnsafeRegister(static o => ((Patience)o!).For(ToFinish), patience);
        var taken = 0L;
        try
        {
            var target = _address.Target(publishes: true, path) with { Tracks = [.. ((Track?[])[stream.Video, stream.Audio]).OfType<Track>()] };
            await using var remote = await RtmpRemote.BeginAsync(_address, target, home.Clock, patience);
            taken = home.Clock.GetTimestamp();
            (IsTaken, Trouble, _isUnsaid) = (true, "", remote.Takes is null);
            home.SaidBegun(stream.Name, Host, Undeclared);
            Trouble = await FeedAsync(remote, patience);
        }
        catch (OperationCanceledException)
        {
            Trouble = IsTaken ? $"{Host} takes nothing" : $"{Host} does not answer";
        }
        catch (Exception e) when (RemoteFault.Of(Host, e) is { } words)
        {
            Trouble = words;
        }
        var lasted = IsTaken ? home.Clock.GetElapsedTime(taken) : default;
        IsTaken = _isUnsaid = false;
        return lasted;
    }

    /// <returns>Why it ended, where the other side ended it.</returns>
    private async Task<string> FeedAsync(RtmpRemote remote, Patience patience)
    {
        using var cursor = stream.Watch(ViewerKind.Forward);
        cursor.Takes = remote.Takes ?? CodecSet.All;
        using var hear = CancellationTokenSource.CreateLinkedTokenSource(patience.Token);
        using var gone = new CancellationTokenSource();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(gone.Token, _stop);
        var hearing = HearAsync(remote, gone, hear.Token);
        try
        {
            await SendAsync(remote, cursor, patience, over.Token);
        }
        catch (Exception e) when (RemoteFault.Of(Host, e) is { } words)
        {
            // It has closed. What it said before that tells more, and may still have to be read.
            patience.For(ToFinish);
            return await hearing is { Length: > 0 } heard ? heard : words;
        }
        finally
        {
            await hear.CancelAsync();
            await hearing;
        }
        var trouble = await hearing;
        if (trouble.Length > 0)
            return trouble;
        await remote.LeaveAsync();
        return cursor.NotTaken is { } track ? RtmpRemote.NotTaken(_address, track) : "";
    }

    private async Task SendAsync(RtmpRemote remote, Cursor cursor, Patience patience, CancellationToken over)
    {
        var messages = new ForwardMessages(remote.StreamId);
        // Of what was there when it was asked it takes all; this is what there is since.
        messages.Begin(TakenOf(cursor.Video, cursor), TakenOf(cursor.Audio, cursor), (uint)cursor.From.Milliseconds);
        while (!over.IsCancellationRequested)
        {
            if (messages.Written.IsEmpty)
            {
                var (coming, isOver) = (cursor.Coming, cursor.IsOver);
                if (!cursor.TryRead(ForwardMessages.Most, out var piece))
                {
                    if (isOver || cursor.NotTaken is not null)
                        return;
                    await coming.WaitAsync(over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    continue;
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

    private static Track? TakenOf(Track? track, Cursor cursor) => track is not null && cursor.Takes.Has(track.Codec) ? track : null;

    /// <summary>What it says is read beside: acknowledgements, pings, and its end.</summary>
    private async Task<string> HearAsync(RtmpRemote remote, CancellationTokenSource gone, CancellationToken stop)
    {
        try
        {
            while (await remote.NextAsync(stop) is { } occurred)
            {
                if (occurred.Kind == RtmpEventKind.Refused)
                    return $"{Host} ended it: {RtmpRemote.CodeOf(occurred.Status)}";
            }
            return $"{Host} closed the connection";
        }
        catch (OperationCanceledException)
        {
            return "";
        }
        catch (Exception e) when (RemoteFault.Of(Host, e) is { } words)
        {
            return words;
        }
        finally
        {
            await gone.CancelAsync();
        }
    }
}
