using XLive.Server.Sessions;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Playback.FrontCache;

/// <summary>What some lines of a log add up to, a user and a session each.</summary>
internal sealed class ByteLogBatch(SessionTickets tickets, RecentTable<Ticket> known)
{
    private readonly Dictionary<string, SentElsewhere> _users = new(StringComparer.Ordinal);
    private readonly Dictionary<SessionId, long> _sessions = [];

    public IReadOnlyCollection<SentElsewhere> Users => _users.Values;
    public IReadOnlyDictionary<SessionId, long> Sessions => _sessions;

    /// <summary>Lines by <see cref="LineKind"/>.</summary>
    public long[] Lines { get; } = new long[4];
    public long Bytes { get; private set; }

    public void Add(ReadOnlySpan<byte> line)
    {
        if (!ByteLogLine.TryRead(line, out var read))
            Lines[(int)LineKind.Malformed]++;
        else if (!read.IsMedia || read.Ticket.IsEmpty)
            Lines[(int)LineKind.Nobody]++;
        else if (Find(read.Ticket) is not { } ticket)
            Lines[(int)LineKind.Foreign]++;
        else if (ticket.Uid.Length == 0)
            Lines[(int)LineKind.Nobody]++;
        else
            Count(read, ticket);
    }

    private void Count(in ByteLogLine line, Ticket ticket)
    {
        Lines[(int)LineKind.Counted]++;
        if (!_users.TryGetValue(ticket.Uid, out var user))
            _users[ticket.Uid] = user = new SentElsewhere(ticket.Uid);
        user.Counts[(int)line.Kind] += line.Bytes;
        user.Counts.Requests++;
        user.First = Math.Min(user.First, line.Time);
        user.Last = Math.Max(user.Last, line.Time);
        if (line.Client is not null)
            user.From.Note(line.Client, ticket.Sid);
        _sessions[ticket.Id] = _sessions.GetValueOrDefault(ticket.Id) + line.Bytes;
        Bytes += line.Bytes;
    }

    private Ticket? Find(ReadOnlySpan<byte> text)
    {
        if (text.Length > SessionTickets.Longest)
            return null;
        Span<char> name = stackalloc char[SessionTickets.Longest];
        name = name[..System.Text.Encoding.ASCII.GetChars(text, name)];
        if (known.Find(name) is { } before)
            return before;
        if (!tickets.TryRead(text, out var id, out var uid))
            return null;
        var ticket = new Ticket(id, id.ToString(), uid);
        known.Put(name.ToString(), ticket);
        return ticket;
    }
}

/// <summary>A ticket that was right once: its MAC costs a microsecond, and a viewer has it on every line.</summary>
internal sealed record Ticket(SessionId Id, string Sid, string Uid);
