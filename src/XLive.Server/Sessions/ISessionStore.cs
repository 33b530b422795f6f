namespace XLive.Server.Sessions;

/// <summary>
/// What outlives a session's node, or is shared by several: sessions, the places of a user's devices, revocations. The node itself plays
/// from memory (<see cref="SessionTable"/>, <see cref="Revocations"/>): no request waits for the store but one that opens a session where
/// devices are limited and places shared. No method throws for a store that is out of reach: <see cref="Status"/> says so.
/// </summary>
public interface ISessionStore : IAsyncDisposable
{
    /// <summary>"embedded" or "redis".</summary>
    string Name { get; }

    StoreStatus Status { get; }

    /// <summary>Several nodes count a user's devices together, so opening asks. Else the node decides and the store is told.</summary>
    bool SharesPlaces { get; }

    /// <summary>
    /// Before the ports listen. Fills <paramref name="node"/>'s revocations, and from then on tells what other nodes do within 2 s. Gives
    /// back the sessions that this node had when it ended; a store that cannot be reached gives none, soon, and goes on trying.
    /// </summary>
    Task<IReadOnlyList<SessionRecord>> StartAsync(StoreListener node);

    /// <summary>
    /// A place among its user's devices, all nodes together, for a lease. A session that has one keeps it. Unanswered after 50 ms at the
    /// latest: the node then decides by what it knows itself.
    /// </summary>
    /// <param name="insteadOf">A session of the same device whose place it takes over.</param>
    ValueTask<PlaceAnswer> EnterAsync(SessionRecord session, SessionId? insteadOf, DeviceLimit limit);

    /// <summary>
    /// Sessions that were opened, played or changed since the last call, every second or so, never two calls at once. Those with a place hold
    /// it for another lease, also in a store that has forgotten them. What could not be stored is given again with the next call.
    /// </summary>
    /// <returns>False when nothing was stored.</returns>
    ValueTask<bool> SaveAsync(IReadOnlyList<SessionRecord> changed, IReadOnlyList<SessionId> gone, TimeSpan lease);

    /// <summary>The node's memory has it already. True when it survives a restart and other nodes will hear of it.</summary>
    ValueTask<bool> RevokeAsync(Revocation revocation);

    /// <summary>As <see cref="RevokeAsync"/>.</summary>
    ValueTask<bool> LiftAsync(RevocationKey name);

    /// <summary>Sessions on other nodes, in the order of their ids.</summary>
    ValueTask<IReadOnlyList<SessionRecord>> ListAsync(SessionFilter filter, SessionId? after, int most);

    /// <summary>A session on another node, or null.</summary>
    ValueTask<SessionRecord?> FindAsync(SessionId id);
}

/// <summary>What a store tells its node.</summary>
/// <param name="Revocations">The node's memory of them.</param>
/// <param name="LostPlace">A session of this node that another device has replaced.</param>
public sealed record StoreListener(Revocations Revocations, Action<SessionId> LostPlace);

/// <summary>How many devices a user may have.</summary>
/// <param name="Most">At least 1.</param>
/// <param name="Replaces">The one that was silent longest goes; else the new one is refused.</param>
/// <param name="Lease">How long a silent one counts.</param>
public readonly record struct DeviceLimit(int Most, bool Replaces, TimeSpan Lease);

public enum PlaceAnswer : byte { Unanswered, Granted, Refused }

/// <param name="IsDegraded">Viewers play on; what is shared is not, until it comes back.</param>
/// <param name="Reason">One line for the operator; empty when all is well.</param>
/// <param name="Pending">Records that wait to be stored.</param>
public sealed record StoreStatus(bool IsDegraded, string Reason, int Pending);
