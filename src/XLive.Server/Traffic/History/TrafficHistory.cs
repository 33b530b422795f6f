using XLive.Server.Storage;

namespace XLive.Server.Traffic.History;

/// <summary>
/// traffic_hours: what each user took in each hour (UTC), a row for each server, since of two that wrote the same row one would have to
/// wait. Days, users and totals are sums over it, so they cannot disagree.
/// </summary>
public sealed class TrafficHistory(Database db)
{
    public const long Hour = 3600;
    public const long Day = 24 * Hour;

    // In the order of FileKind; a new kind is a new column, by a new step of the schema.
    private static readonly string[] s_columns = [.. Enumerable.Range(0, FileKinds.Count).Select(i => "bytes_" + ((FileKind)i).Word())];

    private static readonly string s_add =
        $"INSERT INTO traffic_hours (uid, hour, node, bytes, requests, {string.Join(", ", s_columns)}) VALUES ("
        + string.Join(", ", Enumerable.Range(1, 5 + s_columns.Length).Select(i => $"${i}"))
        + ") ON CONFLICT (uid, hour, node) DO UPDATE SET bytes = traffic_hours.bytes + excluded.bytes, requests = traffic_hours.requests + excluded.requests, "
        + string.Join(", ", s_columns.Select(c => $"{c} = COALESCE(traffic_hours.{c} + excluded.{c}, traffic_hours.{c}, excluded.{c})"));

    private static readonly string s_sums = string.Join(", ", s_columns.Select(c => $"CAST(COALESCE(SUM({c}), 0) AS BIGINT)"));

    /// <summary>The number of the last batch of this server's that is in here.</summary>
    public long LastBatch(string node) => db.First("SELECT batch FROM traffic_nodes WHERE name = $1", static row => row.Int64(0), node);

    /// <summary>Adds a batch, unless it is in here already: then whoever brought it did not hear so the first time. True when it was new.</summary>
    public bool Add(HistoryBatch batch) => db.Transaction(() =>
    {
        db.Execute("INSERT INTO traffic_nodes (id, name, batch) SELECT COALESCE(MAX(id), 0) + 1, $1, 0 FROM traffic_nodes WHERE 1 = 1 ON CONFLICT (name) DO NOTHING", batch.Node);
        (long id, long last) = db.First("SELECT id, batch FROM traffic_nodes WHERE name = $1", static row => (row.Int64(0), row.Int64(1)), batch.Node);
        if (last >= batch.Number)
        {
            return false;
        }
        db.ExecuteEach(s_add, [.. batch.Deltas.Select(delta => Row(delta, batch.Hour.ToUnixTimeSeconds(), id))]);
        db.Execute("UPDATE traffic_nodes SET batch = $2 WHERE id = $1", id, batch.Number);
        return true;
    });

    /// <summary>Users by what they took in from &lt;= hour &lt; to, those with the most first, and the sums over all of them.</summary>
    public UsersPage Users(long from, long to, bool byRequests, int limit, int offset)
    {
        UsersPage page = new(0, 0, 0, []);
        page = page with
        {
            Users = db.Query(byRequests ? TopBy("3 DESC, 2 DESC") : TopBy("2 DESC, 3 DESC"), row =>
            {
                page = page with { Bytes = row.Int64(3), Requests = row.Int64(4), Count = row.Int64(5) };
                return new UserTraffic(row.Text(0), row.Int64(1), row.Int64(2));
            }, from, to, limit, offset),
            Bytes = page.Bytes, Requests = page.Requests, Count = page.Count,
        };
        return page.Users.Count > 0 || offset == 0 ? page : Users(from, to, byRequests, 1, 0) with { Users = [] };
    }

    /// <summary>All users, in the order of their names, from behind one on.</summary>
    public List<UserTraffic> UsersAfter(long from, long to, string? after, int limit) => db.Query(
        "SELECT uid, CAST(SUM(bytes) AS BIGINT), CAST(SUM(requests) AS BIGINT) FROM traffic_hours WHERE hour >= $1 AND hour < $2 AND uid > $3 "
        + "GROUP BY uid ORDER BY uid LIMIT $4",
        static row => new UserTraffic(row.Text(0), row.Int64(1), row.Int64(2)), from, to, after ?? "", limit);

    /// <summary>What one user, or with null all, took in each span of from &lt;= time &lt; to in which there was anything, oldest first.</summary>
    /// <param name="span"><see cref="Hour"/> or <see cref="Day"/>.</param>
    public SpansPage Spans(string? uid, long from, long to, long span, int limit, int offset)
    {
        SpansPage page = new(0, 0, 0, []);
        List<TrafficSpan> spans = db.Query(uid is null ? AllSpans : UserSpans, row =>
        {
            page = page with { Bytes = row.Int64(3), Requests = row.Int64(4), Count = row.Int64(5) };
            long[] kinds = new long[s_columns.Length];
            for (int i = 0; i < kinds.Length; i++)
            {
                kinds[i] = row.Int64(6 + i);
            }
            return new TrafficSpan(row.Int64(0), row.Int64(1), row.Int64(2), kinds);
        }, from, to, span, limit, offset, uid);
        page = page with { Spans = spans };
        return spans.Count > 0 || offset == 0 ? page : Spans(uid, from, to, span, 1, 0) with { Spans = [] };
    }

    /// <summary>Removes one hour that is older; false when there is none. One at a time: nobody waits long for the lock.</summary>
    public bool Forget(long before)
    {
        bool any = db.First("SELECT MIN(hour) IS NOT NULL, MIN(hour) FROM traffic_hours WHERE hour < $1",
            static row => (row.Boolean(0), row.Int64(1)), before) is (true, var hour)
            && db.Execute("DELETE FROM traffic_hours WHERE hour = $1", hour) > 0;
        return any;
    }

    private static string TopBy(string order) =>
        "SELECT uid, CAST(SUM(bytes) AS BIGINT), CAST(SUM(requests) AS BIGINT), CAST(SUM(SUM(bytes)) OVER () AS BIGINT), "
        + "CAST(SUM(SUM(requests)) OVER () AS BIGINT), COUNT(*) OVER () FROM traffic_hours WHERE hour >= $1 AND hour < $2 "
        + $"GROUP BY uid ORDER BY {order}, uid LIMIT $3 OFFSET $4";

    private static string SpansOf(string whose) =>
        "SELECT hour - hour % $3, CAST(SUM(bytes) AS BIGINT), CAST(SUM(requests) AS BIGINT), CAST(SUM(SUM(bytes)) OVER () AS BIGINT), "
        + $"CAST(SUM(SUM(requests)) OVER () AS BIGINT), COUNT(*) OVER (), {s_sums} FROM traffic_hours WHERE hour >= $1 AND hour < $2{whose} "
        + "GROUP BY 1 ORDER BY 1 LIMIT $4 OFFSET $5";

    private static readonly string UserSpans = SpansOf(" AND uid = $6");
    private static readonly string AllSpans = SpansOf(" AND CAST($6 AS TEXT) IS NULL");

    private static SqlValue[] Row(HistoryDelta delta, long hour, long node)
    {
        SqlValue[] row = new SqlValue[5 + s_columns.Length];
        (row[0], row[1], row[2], row[3], row[4]) = (delta.Uid, hour, node, delta.Counts.Bytes, delta.Counts.Requests);
        for (int i = 0; i < s_columns.Length; i++)
        {
            if (delta.Counts[i] != 0) // NULL takes no room
            {
                row[5 + i] = delta.Counts[i];
            }
        }
        return row;
    }
}

public sealed record UserTraffic(string Uid, long Bytes, long Requests);

/// <param name="Count">Users in all.</param>
public sealed record UsersPage(long Bytes, long Requests, long Count, List<UserTraffic> Users);

/// <param name="Start">Unix seconds.</param>
/// <param name="Kinds">Bytes by <see cref="FileKind"/>.</param>
public sealed record TrafficSpan(long Start, long Bytes, long Requests, long[] Kinds);

/// <param name="Count">Spans in all.</param>
public sealed record SpansPage(long Bytes, long Requests, long Count, List<TrafficSpan> Spans);
