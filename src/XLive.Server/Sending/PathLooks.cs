namespace XLive.Server.Sending;

/// <summary>The looks at paths that several viewers share, on the thread that waits for room.</summary>
internal sealed unsafe partial class WritableWaiter
{
    /// <summary>
    /// Nearer than that there is no queue and no loss for BBR to see through, and each packet of it waits for a timer of its own: a mebibyte to somebody on this
    /// machine costs 120 µs with BBR and 84 with cubic. A proxy in front is as near.
    /// </summary>
    private static readonly TimeSpan Near = TimeSpan.FromMilliseconds(1);

    private long _lastLook;

    public SharedPaths Paths { get; } = new();

    /// <summary>Viewers who crowd a path share a rate. Without it each connection does what its congestion control says.</summary>
    public bool MayPace { get; set; }

    /// <summary>Connections begin with cubic, and may go to BBR and back.</summary>
    public bool MayChangeCongestion { get; set; }

    /// <summary>For a connection that begins: a path that is crowded has no room for its first burst.</summary>
    public void Greet(SocketOutput output)
    {
        if (MayChangeCongestion)
        {
            output.IsNear = PathCounts.RoundTrip(output.SocketHandle) < Near;
            output.HasCubic = output.IsNear || !CongestionControl.TrySet(output.SocketHandle, "bbr");
        }
        if (Paths.Paced == 0)
            return;
        uint pace;
        lock (_gate)
            pace = Paths.PaceOf(output.Peer);
        if (pace != SharedPath.Unpaced)
            SetPace(output, pace);
    }

    /// <summary>A microsecond for each connection that has company, once in three seconds.</summary>
    private void LookAtPaths()
    {
        var now = _clock.GetTimestamp();
        var seconds = _clock.GetElapsedTime(_lastLook, now).TotalSeconds;
        if (!MayPace || seconds < SharedPath.Window)
            return;
        _lastLook = now;
        var (slots, used) = Slots();
        for (var i = 0; i < used; i++)
        {
            if (Volatile.Read(ref slots[i]) is { Path: { Members: >= SharedPath.Few } path } output && PathCounts.TryRead(output.SocketHandle, out var counts))
            {
                if (output.PathCounts is { } before)
                    path.Add(before, counts, output.IsWaiting);
                output.PathCounts = counts;
            }
        }
        lock (_gate)
            Paths.Judge(seconds, MayChangeCongestion);
        for (var i = 0; i < used; i++)
        {
            if (Volatile.Read(ref slots[i]) is not { Path: { } path } output)
                continue;
            if (output.Pace != path.Pace)
                SetPace(output, path.Pace);
            if (!output.IsNear && output.HasCubic != path.IsForCubic && CongestionControl.TrySet(output.SocketHandle, path.IsForCubic ? "cubic" : "bbr"))
                output.HasCubic = path.IsForCubic;
        }
    }

    private static void SetPace(SocketOutput output, uint pace)
    {
        output.Pace = pace;
        SharedPaths.SetPace(output.SocketHandle, pace);
    }
}
