namespace XLive.Server.Traffic.Counters;

/// <summary>
/// The files of counters that earlier processes left. The one of the ledger's generation is read, slot by slot, so that a damaged one gives
/// what it can; what cannot be understood is moved aside and never deleted. Read as a file: in a mapping a bad sector is SIGBUS.
/// </summary>
internal sealed class LeftCounters
{
    private const int Block = 64 * Slot.Size;

    private readonly List<LeftSlot> _slots = [];

    public IReadOnlyList<LeftSlot> Slots => _slots;

    /// <summary>What the operator should know, a line each.</summary>
    public List<string> Warnings { get; } = [];

    public static LeftCounters In(string dir, long generation, string node)
    {
        var left = new LeftCounters();
        var own = CounterFile.PathOf(dir, generation);
        foreach (var path in Directory.GetFiles(dir, "counters-*"))
        {
            if (!long.TryParse(path.AsSpan(path.LastIndexOf('-') + 1), out var number))
                continue; // set aside earlier
            if (path == own)
                left.Read(path, generation, node);
            else if (number > generation)
                left.SetAside(path, "is of no start that this ledger knows of: if the ledger was restored from a copy, it holds what was counted since");
        }
        return left;
    }

    /// <summary>What was read is in the ledger: files up to that generation have served.</summary>
    public static void Delete(string dir, long generation)
    {
        foreach (var path in Directory.GetFiles(dir, "counters-*"))
        {
            if (long.TryParse(path.AsSpan(path.LastIndexOf('-') + 1), out var number) && number <= generation)
                File.Delete(path);
        }
    }

    private void Read(string path, long generation, string node)
    {
        string? objection;
        int torn = 0, unreadable = 0;
        using (var file = File.OpenHandle(path))
        {
            var header = new byte[CounterFile.HeaderSize];
            objection = CounterFile.Objection(header.AsSpan(0, ReadAt(file, header, 0)), generation, node);
            var block = new byte[Block];
            for (long at = CounterFile.HeaderSize; at < RandomAccess.GetLength(file); at += Block)
            {
                int got;
                try
                {
                    got = ReadAt(file, block, at);
                }
                catch (IOException)
                {
                    unreadable++;
                    continue;
                }
                for (var slot = 0; slot + Slot.Size <= got; slot += Slot.Size)
                {
                    if (!Slot.TryRead(block.AsSpan(slot, Slot.Size), out var left))
                        continue;
                    if (left.Uid is not null && left.Epoch >> 40 == generation)
                        _slots.Add(left);
                    else
                        torn++;
                }
            }
        }
        if (objection is not null)
        {
            // Slots vouch for themselves and for their generation, but not for the ledger that they belong to.
            if (objection.Contains("another ledger", StringComparison.Ordinal))
                _slots.Clear();
            SetAside(path, $"{objection}; of its slots {_slots.Count} could be read and are counted");
        }
        else if (torn + unreadable > 0)
        {
            SetAside(path, $"{torn} slots are torn and {unreadable} blocks cannot be read; the {_slots.Count} others are counted");
        }
    }

    private static int ReadAt(Microsoft.Win32.SafeHandles.SafeFileHandle file, Span<byte> buffer, long offset)
    {
        var got = 0;
        for (int n; got < buffer.Length && (n = RandomAccess.Read(file, buffer[got..], offset + got)) > 0;)
            got += n;
        return got;
    }

    private void SetAside(string path, string why)
    {
        var aside = path + ".aside";
        for (var i = 1; File.Exists(aside); i++)
            aside = $"{path}.aside{i}";
        File.Move(path, aside);
        Warnings.Add($"{path}: {why}. It is kept as {Path.GetFileName(aside)}.");
    }
}
