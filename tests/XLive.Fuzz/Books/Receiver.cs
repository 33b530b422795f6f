using System.Text.Json;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Fuzz.Books;

/// <summary>The site's side: every report that was ever seen, by its id, and which of them it has taken.</summary>
internal sealed class Receiver
{
    private readonly Dictionary<string, Seen> _seen = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Counts> _sums = new(StringComparer.Ordinal);

    private sealed record Seen(byte[] Body, long From, long To, List<(string Uid, Counts Counts, long Cumulative)> Items)
    {
        public bool Taken { get; set; }
    }

    public int Reports => _seen.Count;

    public Counts Of(string uid) => _sums.GetValueOrDefault(uid);

    public void Look(Outbox outbox)
    {
        var there = outbox.List(int.MaxValue);
        foreach (var entry in there)
        {
            if (!_seen.ContainsKey(entry.Id))
                Note(entry.Id, outbox.Find(entry.Id)!.Body);
        }
        foreach (var (id, seen) in _seen)
        {
            if (!seen.Taken && !there.Exists(e => e.Id == id))
                throw new BooksDisagree($"the report {id} is gone, and nobody has taken it");
        }
    }

    /// <summary>Taken, for the first time or again.</summary>
    public void Take(Report report)
    {
        if (!_seen.TryGetValue(report.Id, out var seen))
            seen = Note(report.Id, report.Body);
        if (!seen.Body.AsSpan().SequenceEqual(report.Body))
            throw new BooksDisagree($"the report {report.Id} is another one now");
        seen.Taken = true;
    }

    private Seen Note(string id, byte[] body)
    {
        using var json = JsonDocument.Parse(body);
        var root = json.RootElement;
        if (root.GetProperty("report_id").GetString() != id)
            throw new BooksDisagree($"{id} is not the name in the body");
        var seen = new Seen(body, root.GetProperty("from").GetInt64(), root.GetProperty("to").GetInt64(), []);
        foreach (var item in root.GetProperty("items").EnumerateArray())
        {
            Counts counts = default;
            counts.Requests = item.GetProperty("request_count").GetInt64();
            foreach (var kind in item.GetProperty("file_types").EnumerateObject())
                counts[(int)Enum.Parse<FileKind>(kind.Name, ignoreCase: true)] = kind.Value.GetInt64();
            if (counts.Bytes != item.GetProperty("total_bytes").GetInt64() || !(counts - counts.Payable).IsZero)
                throw new BooksDisagree($"{item} does not add up");
            var uid = item.GetProperty("uid").GetString()!;
            seen.Items.Add((uid, counts, item.GetProperty("cumulative_bytes").GetInt64()));
            _sums[uid] = _sums.GetValueOrDefault(uid) + counts;
        }
        return _seen[id] = seen;
    }

    /// <summary>Once all are here: windows follow each other, and each cumulative sum is that of the items so far.</summary>
    public void CheckOrder()
    {
        long end = 0;
        var sums = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var window in _seen.Values.GroupBy(s => (s.From, s.To)).OrderBy(g => g.Key.From))
        {
            if (window.Key.From < end || window.Key.To <= window.Key.From)
                throw new BooksDisagree($"the window {window.Key} begins before {end}");
            end = window.Key.To;
            foreach (var (uid, counts, cumulative) in window.SelectMany(s => s.Items).OrderBy(i => i.Cumulative))
            {
                var sum = sums[uid] = sums.GetValueOrDefault(uid) + counts.Bytes;
                if (sum != cumulative)
                    throw new BooksDisagree($"{uid} was reported {sum} so far, and not {cumulative}");
            }
        }
    }
}
