namespace XLive.Server.Sessions;

/// <summary>
/// The devices of one user on this node: exact, for all that changes them is done under one lock. A device is a session, and counts until a
/// lease after its last byte.
/// </summary>
internal sealed class UserDevices(TimeProvider clock)
{
    /// <summary>As a kick: a player that was replaced must not come back with its next segment and replace the other.</summary>
    private static readonly TimeSpan ReplacedFor = TimeSpan.FromMinutes(10);

    // What other nodes refuse they may refuse again; until then this one does not ask for each segment.
    private static readonly TimeSpan RefusedFor = TimeSpan.FromSeconds(5);

    private readonly List<Session> _placed = new(1);

    public Lock Gate { get; } = new();

    // The rest is under the gate.

    /// <summary>Sessions that the store is asked about, by whom they are for.</summary>
    public Dictionary<EntryKey, Task<Session?>> Opening { get; } = new(0);

    /// <summary>No longer in the table: whoever still has it asks there again.</summary>
    public bool IsGone { get; set; }

    public int Count => _placed.Count;

    public bool IsEmpty => _placed.Count == 0 && Opening.Count == 0;

    public void Place(Session session)
    {
        session.BarredUntil = long.MinValue;
        session.IsReplaced = false;
        if (session.HasPlace)
            return;
        session.HasPlace = true;
        session.SavedSeen = long.MinValue;
        _placed.Add(session);
    }

    /// <summary>A place for one more, made free if need be.</summary>
    /// <param name="insteadOf">The same device's session before, which plays no longer.</param>
    /// <returns>How many were replaced; -1: the user has as many devices as he may.</returns>
    public int MakeRoom(DeviceLimit limit, Session? insteadOf, long now)
    {
        Purge(limit.Lease, now);
        var kept = insteadOf is { HasPlace: true } ? _placed.Count - 1 : _placed.Count;
        if (kept >= limit.Most && !limit.Replaces)
            return -1;
        if (insteadOf is not null)
            Leave(insteadOf);
        var replaced = 0;
        for (; _placed.Count >= limit.Most; replaced++)
            Replace(_placed.MinBy(s => s.LastSeen)!, now);
        return replaced;
    }

    /// <summary>Lets go of those that were silent for a lease.</summary>
    public void Purge(TimeSpan lease, long now)
    {
        for (var i = _placed.Count - 1; i >= 0; i--)
        {
            if (clock.GetElapsedTime(_placed[i].LastSeen, now) >= lease)
                Leave(_placed[i]);
        }
    }

    public void Leave(Session session)
    {
        if (!session.HasPlace)
            return;
        session.HasPlace = false;
        session.SavedSeen = long.MinValue;
        session.Cleared = Session.NotCleared;
        _placed.Remove(session);
    }

    /// <summary>Another device takes its place.</summary>
    public void Replace(Session session, long now)
    {
        session.IsReplaced = true;
        End(session, ReplacedFor, now);
    }

    /// <summary>The other nodes know of more devices than this one.</summary>
    public void Refuse(Session session, long now) => End(session, RefusedFor, now);

    private void End(Session session, TimeSpan barred, long now)
    {
        Leave(session);
        session.Cleared = Session.NotCleared;
        session.BarredUntil = now + (long)(barred.TotalSeconds * clock.TimestampFrequency);
        session.Meter.Stop(Traffic.StopReason.DeviceLimit);
    }
}
