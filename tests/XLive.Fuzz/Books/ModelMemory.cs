using System.Runtime.InteropServices;
using XLive.Fuzz.Engine;
using XLive.Server.Traffic.Counters;

namespace XLive.Fuzz.Books;

/// <summary>
/// A mapped file in memory: the process writes where it likes, the system writes pages to the disk when it likes, and of what no sync has
/// seen to each piece of 64 bytes is on the disk or not when the power fails.
/// </summary>
internal sealed unsafe class ModelMemory : CounterMemory
{
    private const int Unit = 64;
    private const int UnitsOfPage = 8;
    private const int Page = Unit * UnitsOfPage;

    private readonly Dice _dice;
    private readonly int _length;
    private readonly byte[] _durable;
    private readonly byte[] _clean; // what the system believes to be on the disk
    private byte* _mapped;
    private bool _touched;

    public ModelMemory(Dice dice, int capacity, int most)
    {
        _dice = dice;
        Most = most;
        Capacity = capacity;
        _length = (most * Slot.Size + Page - 1) / Page * Page;
        _durable = new byte[_length];
        _clean = new byte[_length];
        _mapped = (byte*)NativeMemory.AllocZeroed((nuint)_length);
    }

    public override int Most { get; }

    public override byte* First => _mapped;

    public bool FailsToGrow { get; set; }

    public bool FailsToSync { get; set; }

    /// <summary>Told of each sync that succeeded.</summary>
    public required Action Synced { get; init; }

    public Span<byte> Mapped => new(_mapped, _length);

    public override string? Grow(int wanted)
    {
        if (FailsToGrow)
            return "no space left on device";
        Capacity = wanted;
        return null;
    }

    public override void Sync()
    {
        WriteBack(FailsToSync ? 2 : 1);
        Mapped.CopyTo(_clean);
        _touched = false;
        if (FailsToSync)
            throw new IOException("msync: input/output error");
        Synced();
    }

    public override void Touch() => _touched = true;

    /// <summary>Some pages, without being asked.</summary>
    public void WriteBack() => WriteBack(3);

    private void WriteBack(int oneIn)
    {
        var mapped = Mapped;
        for (var page = 0; page < _length; page += Page)
        {
            var isDirty = _touched || !mapped.Slice(page, Page).SequenceEqual(_clean.AsSpan(page, Page));
            for (var at = page; isDirty && at < page + Page; at += Unit)
            {
                if (_dice.OneIn(oneIn))
                    mapped.Slice(at, Unit).CopyTo(_durable.AsSpan(at));
            }
        }
    }

    /// <summary>The file as the next process finds it.</summary>
    public byte[] Left(bool power)
    {
        if (!power)
            return Mapped.ToArray();
        WriteBack(2);
        return _durable;
    }

    public static List<LeftSlot> Slots(ReadOnlySpan<byte> file, long generation)
    {
        List<LeftSlot> left = [];
        for (var at = 0; at + Slot.Size <= file.Length; at += Slot.Size)
        {
            if (Slot.TryRead(file.Slice(at, Slot.Size), out var slot) && slot.Uid is not null && slot.Epoch >> 40 == generation)
                left.Add(slot);
        }
        return left;
    }

    public override void Dispose()
    {
        NativeMemory.Free(_mapped);
        _mapped = null;
    }
}
