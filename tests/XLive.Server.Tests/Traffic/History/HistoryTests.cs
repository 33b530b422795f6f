using XLive.Server.Storage;
using XLive.Server.Tests.Storage;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;
using XLive.Server.Traffic.History;

namespace XLive.Server.Tests.Traffic.History;

public sealed class HistoryTestsOnSqlite() : HistoryTests(DatabaseKind.Sqlite);

public sealed class HistoryTestsOnPostgres() : HistoryTests(DatabaseKind.Postgres);

public abstract class HistoryTests : IDisposable
{
    private const long Day = TrafficHistory.Day;
    private const long Hour = TrafficHistory.Hour;
    private const long Start = 20_000 * Day;

    private readonly string _dir = Directory.CreateTempSubdirectory("xlive-history-").FullName;
    private readonly string _url;
    private readonly Database _db;
    private readonly TrafficHistory _history;

    protected HistoryTests(DatabaseKind kind)
    {
        _url = kind.NewUrl();
        _db = DatabaseKinds.Open(_url, _dir);
        Migrations.Apply(_db);
        _history = new TrafficHistory(_db);
    }

    public void Dispose()
    {
        _db.Dispose();
        Directory.Delete(_dir, recursive: true);
        GC.SuppressFinalize(this);
    }

    private static HistoryDelta Delta(string uid, long requests, params (FileKind Kind, long Bytes)[] kinds)
    {
        Counts counts = default;
        counts.Requests = requests;
        foreach ((FileKind kind, long bytes) in kinds)
        {
            counts[(int)kind] = bytes;
        }
        return new HistoryDelta(uid, counts);
    }

    private static HistoryBatch Batch(string node, long number, long hour, params HistoryDelta[] deltas) =>
        new(node, number, DateTimeOffset.FromUnixTimeSeconds(hour), deltas);

    [Fact]
    public void A_batch_counts_once_however_often_it_comes()
    {
        HistoryBatch first = Batch("n1", 7, Start, Delta("u1", 2, (FileKind.Ts, 100), (FileKind.M3u8, 5)));
        Assert.Equal(0, _history.LastBatch("n1"));
        Assert.True(_history.Add(first));
        Assert.False(_history.Add(first));
        Assert.True(_history.Add(first with { Node = "n2" }));
        Assert.True(_history.Add(Batch("n1", 9, Start, Delta("u1", 1, (FileKind.Ts, -40), (FileKind.Key, 16)))));
        Assert.False(_history.Add(first));
        Assert.Equal((9, 7), (_history.LastBatch("n1"), _history.LastBatch("n2")));
        TrafficSpan span = Assert.Single(_history.Spans("u1", Start, Start + Hour, Hour, 10, 0).Spans);
        Assert.Equal((Start, 186L, 5L), (span.Start, span.Bytes, span.Requests));
        Assert.Equal((160, 10, 16, 0), (span.Kinds[(int)FileKind.Ts], span.Kinds[(int)FileKind.M3u8], span.Kinds[(int)FileKind.Key], span.Kinds[(int)FileKind.Mp4]));
    }

    [Fact]
    public void Two_servers_that_bring_the_same_at_once_lose_nothing()
    {
        using Database other = DatabaseKinds.Open(_url, _dir);
        TrafficHistory[] both = [_history, new TrafficHistory(other)];
        HistoryDelta[] deltas = [.. Enumerable.Range(0, 300).Select(i => Delta($"u{i}", 1, (FileKind.Ts, 1000 + i)))];
        Parallel.For(0, 2, node =>
        {
            for (int i = 1; i <= 10; i++)
            {
                Assert.True(both[node].Add(Batch($"n{node}", i, Start, deltas)));
                Assert.False(both[1 - node].Add(Batch($"n{node}", i, Start, deltas)));
            }
        });
        UsersPage page = _history.Users(Start, Start + Hour, byRequests: false, 3, 0);
        Assert.Equal((20L * (300_000 + 299 * 150), 6000L, 300L), (page.Bytes, page.Requests, page.Count));
        Assert.Equal(["u299", "u298", "u297"], page.Users.Select(u => u.Uid));
        Assert.Equal(20 * 1299, page.Users[0].Bytes);
    }

    [Fact]
    public void Users_hours_and_days_add_up_to_the_same()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        Dictionary<(string Uid, long Hour), long> expected = [];
        for (int number = 1; number <= 120; number++)
        {
            long hour = Start + random.Next(72) * Hour;
            HistoryDelta[] deltas = [.. Enumerable.Range(0, 40).Where(_ => random.Next(3) == 0)
                .Select(i => Delta($"u{i}", random.Next(5), (FileKind.Ts, random.NextInt64(1L << 40)), (FileKind.Mpd, random.Next(1000))))];
            foreach (HistoryDelta delta in deltas)
            {
                expected[(delta.Uid, hour)] = expected.GetValueOrDefault((delta.Uid, hour)) + delta.Counts.Bytes;
            }
            _history.Add(Batch(number % 2 == 0 ? "even" : "odd", number, hour, deltas));
        }
        long all = expected.Values.Sum();
        UsersPage users = _history.Users(Start, Start + 3 * Day, byRequests: false, 100, 0);
        Assert.True(all == users.Bytes, $"seed {seed}");
        Assert.Equal(all, users.Users.Sum(u => u.Bytes));
        Assert.Equal(users.Requests, users.Users.Sum(u => u.Requests));
        Assert.Equal(users.Users, users.Users.OrderByDescending(u => u.Bytes));
        foreach (long span in (long[])[Hour, Day])
        {
            SpansPage spans = _history.Spans(null, Start, Start + 3 * Day, span, 100, 0);
            Assert.Equal((all, all, all), (spans.Bytes, spans.Spans.Sum(s => s.Bytes), spans.Spans.Sum(s => s.Kinds.Sum())));
            Assert.All(spans.Spans, s => Assert.Equal(0, s.Start % span));
        }
        foreach (UserTraffic user in users.Users)
        {
            SpansPage hours = _history.Spans(user.Uid, Start, Start + 3 * Day, Hour, 100, 0);
            Assert.Equal(expected.Where(e => e.Key.Uid == user.Uid && e.Value != 0).OrderBy(e => e.Key.Hour).Select(e => (e.Key.Hour, e.Value)),
                hours.Spans.Where(s => s.Bytes != 0).Select(s => (s.Start, s.Bytes)));
            SpansPage days = _history.Spans(user.Uid, Start, Start + 3 * Day, Day, 100, 0);
            Assert.All(days.Spans, day => Assert.Equal(day.Bytes, hours.Spans.Where(h => h.Start >= day.Start && h.Start < day.Start + Day).Sum(h => h.Bytes)));
            Assert.Equal((user.Bytes, user.Bytes), (hours.Bytes, days.Bytes));
        }
    }

    [Fact]
    public void A_page_has_the_sums_of_all_pages()
    {
        _history.Add(Batch("n", 1, Start, [.. Enumerable.Range(0, 25).Select(i => Delta($"u{i:00}", 100 - i, (FileKind.Ts, i)))]));
        _history.Add(Batch("n", 2, Start + Hour, Delta("u00", 1)));
        Assert.Equal((300, 25), Sums(_history.Users(Start, Start + Day, false, 10, 0)));
        Assert.Equal((300, 25), Sums(_history.Users(Start, Start + Day, false, 10, 20)));
        Assert.Equal((300, 25), Sums(_history.Users(Start, Start + Day, false, 10, 30)));
        Assert.Empty(_history.Users(Start, Start + Day, false, 10, 30).Users);
        Assert.Equal((0, 0), Sums(_history.Users(Start + Day, Start + 2 * Day, false, 10, 0)));
        Assert.Equal("u00", _history.Users(Start, Start + Day, byRequests: true, 10, 0).Users[0].Uid);
        Assert.Equal(2, _history.Spans("u00", Start, Start + Day, Hour, 1, 1).Count);
        Assert.Equal(2, _history.Spans("u00", Start, Start + Day, Hour, 1, 2).Count);
        Assert.Equal(["u10", "u11"], _history.UsersAfter(Start, Start + Day, "u09", 2).Select(u => u.Uid));

        static (long, long) Sums(UsersPage page) => (page.Bytes, page.Count);
    }

    [Fact]
    public void What_is_too_old_goes_hour_by_hour()
    {
        for (int i = 0; i < 5; i++)
        {
            _history.Add(Batch("n", i + 1, Start + i * Hour, Delta("u", 1, (FileKind.Ts, 10))));
        }
        Assert.True(_history.Forget(Start + 2 * Hour));
        Assert.True(_history.Forget(Start + 2 * Hour));
        Assert.False(_history.Forget(Start + 2 * Hour));
        Assert.Equal(30, _history.Users(0, Start + Day, false, 1, 0).Bytes);
        Assert.False(_history.Add(Batch("n", 5, Start, Delta("u", 1, (FileKind.Ts, 10)))));
    }

    [Fact]
    public async Task What_the_ledger_counts_is_here_once_whatever_dies_in_between()
    {
        int seed = Random.Shared.Next();
        Random random = new(seed);
        using LedgerHouse house = new(new TrafficOptions { ReportInterval = TimeSpan.FromSeconds(5), MinBytes = 0 });
        Dictionary<string, long> charged = [];
        for (int turn = 0; turn < 60; turn++)
        {
            string uid = $"u{random.Next(5)}";
            long bytes = random.Next(1, 1_000_000);
            house.Watch(uid, bytes);
            charged[uid] = charged.GetValueOrDefault(uid) + bytes;
            house.Pass(TimeSpan.FromSeconds(random.Next(30)));
            switch (random.Next(4))
            {
                case 0:
                    house.KillAndStart();
                    break;
                case 1 when house.Ledger.History.Oldest() is { } batch:
                    _history.Add(batch); // the database has it, and we died before we could hear
                    house.KillAndStart();
                    break;
                case 2:
                    await new HistoryMover(house.Ledger.History, _history, _db).MoveAsync(TestContext.Current.CancellationToken);
                    break;
            }
        }
        house.PassAWindow();
        house.Pass(TimeSpan.FromHours(1.1));
        HistoryMover mover = new(house.Ledger.History, _history, _db);
        await mover.MoveAsync(TestContext.Current.CancellationToken);
        Assert.Equal((null, 0), (mover.Fault, mover.Waiting.Batches));
        Dictionary<string, long> kept = _history.Users(0, long.MaxValue, false, 100, 0).Users.ToDictionary(u => u.Uid, u => u.Bytes);
        Assert.True(charged.OrderBy(c => c.Key).SequenceEqual(kept.OrderBy(k => k.Key)), $"seed {seed}");
    }

    [Fact]
    public async Task A_ledger_put_back_from_a_copy_is_believed_in_what_it_counts_from_then_on()
    {
        using LedgerHouse house = new(new TrafficOptions { ReportInterval = TimeSpan.FromSeconds(5), MinBytes = 0 });
        house.Watch("u", 100);
        house.PassAWindow();
        house.Kill();
        string copy = house.Folder + "/copy";
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(house.Traffic))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }
        house.Start();
        house.Watch("u", 10);
        house.PassAWindow();
        await new HistoryMover(house.Ledger.History, _history, _db).MoveAsync(TestContext.Current.CancellationToken);
        Assert.Equal(110, _history.Users(0, long.MaxValue, false, 1, 0).Bytes);
        house.Kill();
        Directory.Delete(house.Traffic, recursive: true);
        Directory.Move(copy, house.Traffic);
        house.Start();
        await new HistoryMover(house.Ledger.History, _history, _db).MoveAsync(TestContext.Current.CancellationToken);
        house.Watch("u", 1);
        house.PassAWindow();
        await new HistoryMover(house.Ledger.History, _history, _db).MoveAsync(TestContext.Current.CancellationToken);
        Assert.Equal(111, _history.Users(0, long.MaxValue, false, 1, 0).Bytes);
    }

    [Fact]
    public void Each_kind_of_file_has_its_column()
    {
        Counts counts = default;
        for (int kind = 0; kind < FileKinds.Count; kind++)
        {
            counts[kind] = 1L << kind;
        }
        _history.Add(Batch("n", 1, Start, new HistoryDelta("u", counts)));
        TrafficSpan span = Assert.Single(_history.Spans("u", Start, Start + Hour, Hour, 1, 0).Spans);
        Assert.Equal(Enumerable.Range(0, FileKinds.Count).Select(kind => 1L << kind), span.Kinds);
    }
}
