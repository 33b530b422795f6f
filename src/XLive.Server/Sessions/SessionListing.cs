namespace XLive.Server.Sessions;

/// <summary>Sessions of all nodes, page by page in the order of their ids: what opens or ends meanwhile moves no other from its page.</summary>
public sealed class SessionListing(SessionTable table, ISessionStore store, TimeProvider clock)
{
    public const int Most = 1000;

    public async ValueTask<List<SessionRecord>> PageAsync(SessionFilter filter, SessionId? after, int most)
    {
        var here = Here(filter, after, most);
        var elsewhere = await store.ListAsync(filter, after, most);
        if (elsewhere.Count == 0)
            return here;
        // A viewer may have come from another node to this one, which knows him better.
        var known = here.Select(s => s.Id).ToHashSet();
        return [.. here.Concat(elsewhere.Where(s => !known.Contains(s.Id) && table.Find(s.Id) is null)).OrderBy(s => s.Id).Take(most)];
    }

    public async ValueTask<SessionRecord?> FindAsync(SessionId id)
    {
        if (table.Find(id)?.ToRecord(clock) is not { } here)
            return await store.FindAsync(id);
        // One that came from another node by its path was never seen at its entry, which a kick bars.
        return here.Entry == default && await store.FindAsync(id) is { } elsewhere ? here with { Entry = elsewhere.Entry } : here;
    }

    // One pass over the table with a heap as large as the page: 262,144 sessions are some milliseconds, and no sorted copy of them.
    private List<SessionRecord> Here(SessionFilter filter, SessionId? after, int most)
    {
        var page = new PriorityQueue<SessionRecord, SessionId>(Comparer<SessionId>.Create((a, b) => b.CompareTo(a)));
        foreach (var session in table.All)
        {
            if (after is { } id && session.Id.CompareTo(id) <= 0
                || page.Count == most && page.TryPeek(out _, out var last) && session.Id.CompareTo(last) > 0
                || !filter.TakesViewer(session.Uid, session.Kid, session.Client, session.Address))
                continue;
            var record = session.ToRecord(clock);
            if (!filter.Takes(record))
                continue;
            if (page.Count == most)
                page.DequeueEnqueue(record, record.Id);
            else
                page.Enqueue(record, record.Id);
        }
        return [.. page.UnorderedItems.Select(i => i.Element).OrderBy(s => s.Id)];
    }
}
