using System.Net;
using XLive.Server.Traffic;

namespace XLive.Server.Sessions;

/// <summary>What happens to sessions between their requests: they are stopped, dropped, and brought back after a restart.</summary>
public sealed partial class SessionTable
{
    /// <summary>Another node's device took its place.</summary>
    public void LosePlace(SessionId id)
    {
        if (Find(id) is { } session)
            Lose(session, (user, now) => user.Replace(session, now));
    }

    private void Lose(Session session, Action<UserDevices, long> how)
    {
        var user = UserOf(session.Uid);
        lock (user.Gate)
            how(user, _clock.GetTimestamp());
        Counts.Replaced(1);
    }

    private void Refuse(string uid, IPAddress address)
    {
        Counts.RefusedDevice();
        LimitMet?.Invoke(uid, address, "refused");
    }

    private void Replaced(int devices, string uid, IPAddress address)
    {
        Counts.Replaced(devices);
        if (devices > 0)
            LimitMet?.Invoke(uid, address, "replaced");
    }

    /// <summary>A revocation's running transfers.</summary>
    private void Stop(Revocation revocation)
    {
        var reason = ReasonOf(revocation);
        if (revocation.Kind == RevocationKind.Sid)
        {
            if (SessionId.TryParse(revocation.Key, out var id) && Find(id) is { } session)
                Stop(session, reason);
            return;
        }
        foreach (var (_, session) in _sessions)
        {
            if ((revocation.Kind == RevocationKind.Uid ? session.Uid : session.Kid) == revocation.Key)
                Stop(session, reason);
        }
    }

    /// <summary>
    /// No look at the table finds this one: its transfers look at the revocations themselves, which is a comparison of two numbers for as long
    /// as nothing is revoked. So it needs no list, and there may be any number of them.
    /// </summary>
    private void LeaveToItself(Session session)
    {
        var seen = Session.NotCleared;
        session.Meter.Asks = () =>
        {
            var version = _revocations.Version;
            if (version == Volatile.Read(ref seen))
                return StopReason.None;
            if (_revocations.Of(session.Sid, session.Uid, session.Kid) is { } revocation)
                return ReasonOf(revocation);
            Volatile.Write(ref seen, version);
            return StopReason.None;
        };
    }

    private static StopReason ReasonOf(Revocation revocation) => revocation.IsKick ? StopReason.Kicked : StopReason.Revoked;

    private void Stop(Session session, StopReason reason)
    {
        session.Meter.Stop(reason);
        var user = UserOf(session.Uid);
        // Its user may play on another device at once.
        lock (user.Gate)
            user.Leave(session);
        Ended?.Invoke(session, reason == StopReason.Kicked ? "kicked" : "revoked");
    }

    /// <summary>A session of the process before this one goes on where it was.</summary>
    internal bool Restore(SessionRecord record)
    {
        var now = _clock.GetTimestamp();
        var silent = Math.Max(0, _clock.GetUtcNow().ToUnixTimeSeconds() - record.SeenAt);
        if (silent >= _options().Idle.TotalSeconds)
            return false;
        var who = new Newcomer(record.Uid, record.Kid, record.Address, record.Client, record.UserAgent, record.Entry, now);
        var session = new Session(record.Id, who, _meters.Open(record.Uid, record.Id.ToString()), record.OpenedAt);
        session.Resume(record, now - silent * _clock.TimestampFrequency);
        if (!List(session))
            return false;
        if (record.Entry != default)
            _entries[record.Entry] = session;
        var user = UserOf(record.Uid);
        lock (user.Gate)
        {
            if (_limit is { } limit && record.HasPlace && silent < limit.Lease.TotalSeconds)
                user.Place(session);
        }
        return true;
    }

    /// <summary>A look at all of them: bytes of long transfers, those that are idle, and rules that changed.</summary>
    /// <param name="dropped">Told of each that is idle.</param>
    internal void Sweep(Action<SessionId> dropped)
    {
        var options = _options();
        if (_limit != options.Limit)
        {
            _limit = options.Limit;
            _revocations.AskAnew();
        }
        var now = _clock.GetTimestamp();
        foreach (var (id, session) in _sessions)
        {
            if (session.Sweep(now, _clock))
            {
                session.Touch(now);
                // A transfer that stood still for a lease goes on: as much a device that comes back as one that asks.
                if (_limit is not null && !session.HasPlace && Refusal(session, now) is not null)
                    session.Meter.Stop(StopReason.DeviceLimit);
            }
            else if (_clock.GetElapsedTime(session.LastSeen, now) > options.Idle)
            {
                Drop(session);
                dropped(id);
            }
        }
        DropUsers(now);
        Counts.Sweep(now, _clock);
    }

    private void Drop(Session session)
    {
        if (!_sessions.TryRemove(session.Id, out _))
            return;
        Interlocked.Decrement(ref _count);
        // A viewer who paused his player for so long still has a transfer.
        LeaveToItself(session);
        _entries.TryRemove(KeyValuePair.Create(session.Entry, session));
        var user = UserOf(session.Uid);
        lock (user.Gate)
        {
            user.Leave(session);
            // Should it come back by its path, it is listed anew.
            session.Cleared = Session.NotCleared;
        }
        Ended?.Invoke(session, session.IsReplaced ? "replaced" : "idle");
    }

    private void DropUsers(long now)
    {
        foreach (var (uid, user) in _users)
        {
            lock (user.Gate)
            {
                if (_limit is { } limit)
                    user.Purge(limit.Lease, now);
                if (user.IsEmpty)
                {
                    user.IsGone = true;
                    _users.TryRemove(uid, out _);
                }
            }
        }
    }
}
