using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Tests.Traffic;

/// <summary>What a start finds on the disk, and what it makes of it.</summary>
public sealed class LeftCountersTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly LedgerHouse _house = new();

    public void Dispose() => _house.Dispose();

    private string Counters => Assert.Single(Directory.GetFiles(_house.Traffic, "counters-*"), f => !f.Contains("aside", StringComparison.Ordinal));

    [Fact]
    public void A_torn_slot_is_charged_to_nobody_and_the_others_are_read()
    {
        _house.Watch("anna", 2 * MiB);
        _house.Watch("bert", 3 * MiB);
        _house.Kill();
        var bytes = File.ReadAllBytes(Counters);
        var anna = bytes.AsSpan().IndexOf("anna"u8);
        bytes[anna + 3] = (byte)'b';
        File.WriteAllBytes(Counters, bytes);
        _house.Start();
        Assert.Contains("1 slots are torn", Assert.Single(_house.Warnings), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_house.Traffic, "*.aside"));
        _house.PassAWindow();
        Assert.Equal(new() { ["bert"] = 3 * MiB }, _house.Receive().BytesByUid());
    }

    [Fact]
    public void A_slot_whose_epoch_is_torn_is_not_counted_a_second_time()
    {
        ReportLatecomer("anna", 2 * MiB);
        _house.Kill();
        var bytes = File.ReadAllBytes(Counters);
        Assert.Equal(1L << 40 | 1, BitConverter.ToInt64(SlotAt(bytes, 0)));
        // Another one of the same generation, of which the ledger has taken nothing.
        SlotAt(bytes, 0)[0] ^= 0x40;
        File.WriteAllBytes(Counters, bytes);
        _house.Start();
        Assert.Contains("1 slots are torn", Assert.Single(_house.Warnings), StringComparison.Ordinal);
        _house.PassAWindow();
        Assert.Equal(new() { ["anna"] = 2 * MiB }, _house.Receive().BytesByUid());
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 0)]
    public void Two_slots_of_one_user_are_both_counted_and_neither_twice(int olderAt, int newerAt)
    {
        ReportLatecomer("anna", 2 * MiB);
        var older = SlotAt(File.ReadAllBytes(Counters), 0).ToArray();
        _house.Pass(TimeSpan.FromMinutes(2));
        Assert.Equal(0, _house.Meters.Count);
        _house.Watch("anna", 3 * MiB);
        _house.Kill();
        var bytes = File.ReadAllBytes(Counters);
        var at = bytes.AsSpan(CounterFile.HeaderSize).IndexOf("anna"u8) / Slot.Size;
        var newer = SlotAt(bytes, at).ToArray();
        Assert.Equal((1L << 40 | 1, 1L << 40 | 2), (BitConverter.ToInt64(older), BitConverter.ToInt64(newer)));
        // Power failed: the disk has the new slot, and has not heard that the older one is nobody's.
        SlotAt(bytes, at).Clear();
        older.CopyTo(SlotAt(bytes, olderAt));
        newer.CopyTo(SlotAt(bytes, newerAt));
        File.WriteAllBytes(Counters, bytes);
        _house.Start();
        _house.PassAWindow();
        Assert.Equal(new() { ["anna"] = 5 * MiB }, _house.Receive().BytesByUid());
        Assert.Equal(0, _house.Ledger.Difference);
        _house.KillAndStart();
        Assert.Equal(0, _house.Ledger.Difference);
    }

    /// <summary>Just before the window ends, so that his slot is his yet when it is over.</summary>
    private void ReportLatecomer(string uid, long bytes)
    {
        var late = TimeSpan.FromSeconds(10);
        _house.Pass(_house.Options.ReportInterval - late);
        _house.Watch(uid, bytes);
        _house.Pass(late);
        Assert.Equal(1, _house.Outbox.Depth().Waiting);
    }

    private static Span<byte> SlotAt(byte[] file, int index) => file.AsSpan(CounterFile.HeaderSize + index * Slot.Size, Slot.Size);

    [Fact]
    public void A_damaged_head_costs_no_slot()
    {
        _house.Watch("anna", 2 * MiB);
        _house.Kill();
        using (var file = File.OpenWrite(Counters))
            file.Write(new byte[100]);
        _house.Start();
        Assert.Contains("its head is damaged", Assert.Single(_house.Warnings), StringComparison.Ordinal);
        _house.PassAWindow();
        Assert.Equal(2 * MiB, _house.Receive().BytesByUid()["anna"]);
    }

    [Fact]
    public void Counters_of_another_ledger_are_set_aside_and_counted_for_nobody()
    {
        using var other = new LedgerHouse();
        other.Watch("stranger", 9 * MiB);
        other.Kill();
        _house.Kill();
        File.Copy(Assert.Single(Directory.GetFiles(other.Traffic, "counters-*")), Counters, overwrite: true);
        other.Start();
        _house.Start();
        Assert.Contains("another ledger", Assert.Single(_house.Warnings), StringComparison.Ordinal);
        _house.PassAWindow();
        Assert.Empty(_house.Receive());
    }

    [Fact]
    public void Without_its_ledger_a_file_of_counters_is_kept_and_not_counted_again()
    {
        _house.Watch("anna", 2 * MiB);
        _house.Kill();
        foreach (var file in Directory.GetFiles(_house.Traffic, "ledger.db*"))
            File.Delete(file);
        _house.Start();
        Assert.Contains("of no start that this ledger knows of", Assert.Single(_house.Warnings), StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(_house.Traffic, "*.aside"));
        _house.PassAWindow();
        Assert.Empty(_house.Receive());
    }

    [Fact]
    public void A_file_cut_short_gives_what_it_has()
    {
        _house.Watch("anna", 2 * MiB);
        _house.Kill();
        using (var file = File.OpenWrite(Counters))
            file.SetLength(CounterFile.HeaderSize + Slot.Size + 100);
        _house.Start();
        _house.PassAWindow();
        Assert.Equal(2 * MiB, _house.Receive().BytesByUid()["anna"]);
    }

    [Fact]
    public void A_damaged_ledger_is_refused_and_left_as_it_is()
    {
        _house.Kill();
        var path = Path.Combine(_house.Traffic, "ledger.db");
        var damaged = "this is no database any more, and it is long enough to be one"u8.ToArray();
        foreach (var file in Directory.GetFiles(_house.Traffic, "ledger.db*"))
            File.Delete(file);
        File.WriteAllBytes(path, damaged);
        var refused = Assert.Throws<LedgerFault>(_house.Start);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        Assert.Contains("damaged", refused.Message, StringComparison.Ordinal);
        Assert.Contains("docs/traffic.md", refused.Message, StringComparison.Ordinal);
        Assert.Equal(damaged, File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_house.Traffic, "counters-*"));
        File.Delete(path);
        _house.Start();
    }

    [Fact]
    public void A_start_leaves_no_more_files_than_it_found()
    {
        for (var i = 0; i < 5; i++)
            _house.KillAndStart();
        Assert.EndsWith("counters-6", Counters, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Counters));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_house.Traffic, "ledger.db")));
    }
}
