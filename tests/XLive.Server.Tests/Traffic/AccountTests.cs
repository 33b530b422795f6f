using System.Net;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Tests.Traffic;

public sealed class AccountTests : IDisposable
{
    private readonly LedgerHouse _house = new(new TrafficOptions { MinBytes = 1, ReportInterval = TimeSpan.FromSeconds(1) });

    public void Dispose() => _house.Dispose();

    [Fact]
    public void Accounts_that_close_while_others_add_lose_nothing()
    {
        const int threads = 3, users = 400;
        var meters = Enumerable.Range(0, users).Select(i => _house.Meters.Open("u" + i, "s")).ToArray();
        long closed = 0, adds = 0;
        using var done = new CountdownEvent(threads);
        for (var t = 0; t < threads; t++)
        {
            new Thread(() =>
            {
                // As long as it takes: on a busy machine the looks come late.
                for (var i = 0; i < 200_000 || Interlocked.Read(ref closed) <= 10; i++)
                {
                    Interlocked.Increment(ref adds);
                    if (i % 1000 == 0)
                        Thread.Sleep(1);
                    meters[i / 500 % meters.Length].Charge(FileKind.Ts, 3);
                    meters[i / 500 % meters.Length].GiveBack(FileKind.Ts, 2);
                }
                done.Signal();
            }) { IsBackground = true }.Start();
        }
        // Each look cuts all there is, and whoever is even for a moment is closed.
        while (!done.IsSet)
        {
            _house.Clock.Pass(TimeSpan.FromSeconds(1));
            _house.Ledger.Look();
            foreach (var account in _house.Meters.Accounts)
            {
                if (account.Untaken.IsZero && _house.Meters.TryClose(account))
                    closed++;
            }
            _house.Ledger.Sync();
        }
        _house.Ledger.Finish();
        Assert.True(closed > 10, $"{closed} accounts were closed");
        // A debt at the end is one that later bytes pay: here they come.
        foreach (var meter in meters)
            meter.Charge(FileKind.Ts, 1_000_000);
        _house.Ledger.Finish();
        var received = _house.Receive().BytesByUid();
        Assert.Equal(adds + users * 1_000_000L, received.Values.Sum());
        Assert.InRange(received.Count, 1, users);
    }

    [Fact]
    public void An_account_with_bytes_that_no_cut_has_taken_stays_open()
    {
        var meter = _house.Watch("u1", 100);
        Assert.False(_house.Meters.TryClose(meter.Account));
        Assert.Equal(1, _house.Meters.Count);
        var account = meter.Account;
        meter.Charge(FileKind.Ts, 11);
        Assert.Same(account, meter.Account);
        // The counters have it yet, which a start would find.
        _house.KillAndStart();
        _house.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(111, _house.Receive().BytesByUid()["u1"]);
    }

    [Fact]
    public void A_session_outlives_its_users_account()
    {
        var meter = _house.Watch("u1", 100);
        var first = meter.Account;
        _house.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(0, _house.Meters.Count);
        meter.CountRequest(FileKind.Ts, IPAddress.Parse("192.0.2.9"));
        meter.Charge(FileKind.Ts, 11);
        Assert.NotSame(first, meter.Account);
        Assert.Equal((111, 2), (meter.Bytes, meter.Requests));
        _house.Pass(TimeSpan.FromSeconds(1));
        var last = _house.Receive()[^1].GetProperty("items")[0];
        Assert.Equal((11, 111), (last.GetProperty("total_bytes").GetInt64(), last.GetProperty("cumulative_bytes").GetInt64()));
        Assert.Equal("192.0.2.9", last.GetProperty("unique_ips")[0].GetString());
        Assert.Equal((111, 2), _house.Meters.Total());
    }

    [Fact]
    public void Users_beyond_the_bound_are_counted_together_and_told_of()
    {
        using var meters = new UserMeters(new CounterSlots(new FewSlots(), 1), new TrafficClock(_house.Clock));
        for (var i = 0; i < 12; i++)
            meters.Open("u" + i, "s").Charge(FileKind.Ts, 10);
        Assert.Equal((8, 40), (meters.Count, meters.Overflow.Bytes));
        Assert.Equal(120, meters.Total().Bytes);
    }

    [Fact]
    public void A_uid_longer_than_a_slot_is_counted_with_those_beyond_the_bound()
    {
        _house.Meters.Open(new string('x', 129), "s").Charge(FileKind.Ts, 10);
        _house.Meters.Open(new string('x', 128), "s").Charge(FileKind.Ts, 1);
        Assert.Equal(10, _house.Meters.Overflow.Bytes);
        _house.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _house.Receive().BytesByUid()[new string('x', 128)]);
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        var meter = _house.Watch("u1", 100);
        var from = IPAddress.Parse("192.0.2.1");
        Count(meter, from);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Count(meter, from);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Count(Meter meter, IPAddress from)
    {
        for (var i = 0; i < 10_000; i++)
        {
            meter.CountRequest(FileKind.Ts, from);
            meter.Charge(FileKind.Ts, 1000);
            meter.GiveBack(FileKind.Ts, 10);
        }
    }

    private sealed unsafe class FewSlots : CounterMemory
    {
        private readonly byte* _at = (byte*)System.Runtime.InteropServices.NativeMemory.AllocZeroed(8 * Slot.Size);

        public FewSlots() => Capacity = 8;

        public override int Most => 8;
        public override byte* First => _at;
        public override string? Grow(int capacity) => null;
        public override void Sync() { }
        public override void Touch() { }
        public override void Dispose() => System.Runtime.InteropServices.NativeMemory.Free(_at);
    }
}
