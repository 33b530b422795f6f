using System.Buffers.Binary;
using System.Text;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// What was purged and may still lie on disk. A purge is a line in a list that is synced before it is answered: from then on nothing older that it
/// covers is believed, in this run or a later one, however many files there are to remove. When all folders were looked through the line goes.
/// </summary>
internal sealed class DiskPurges
{
    /// <summary>With more, the folders are looked through before another is taken.</summary>
    public const int Most = 1000;

    /// <summary>Whenever it was asked for.</summary>
    public const long Always = long.MaxValue;

    private const uint Magic = 0x50434C58; // "XLCP"
    private const int Before = 20;

    /// <param name="Until">What was asked for before so many purges is gone.</param>
    public readonly record struct Line(CacheScope Scope, long Until);

    private readonly Lock _gate = new();
    private Line[] _lines = [];
    private Line[] _past = [];
    private List<Line>? _early = [];
    private long _last;
    private long _allBefore;

    // A run counts its own purges, from 0.
    private long _before;

    public IReadOnlyList<Line> Lines => Volatile.Read(ref _lines);

    /// <summary>How many purges there had been in all, when there had been so many in this run.</summary>
    public long InAll(int ofThisRun) => Volatile.Read(ref _before) + ofThisRun;

    /// <summary>The list of the runs before is known, or that there is none.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            Volatile.Write(ref _before, Math.Max(_before, _last));
            var early = _early ?? [];
            _early = null;
            foreach (var line in early)
                Add(line);
        }
    }

    /// <summary>From now on nothing older that it covers is believed.</summary>
    /// <param name="until">Counted in this run.</param>
    public void Add(CacheScope scope, int until)
    {
        lock (_gate)
            Add(new Line(scope, until));
    }

    /// <summary>What must not be there whenever it was asked for.</summary>
    public void AddAlways(CacheScope scope)
    {
        lock (_gate)
            Add(new Line(scope, Always));
    }

    private void Add(Line line)
    {
        if (_early is not null)
        {
            _early.Add(line);
            return;
        }
        if (line.Until != Always)
        {
            line = line with { Until = _before + line.Until };
            _last = Math.Max(_last, line.Until);
        }
        // A disk that cannot be written to keeps its lines: all is one of them.
        if (_lines.Length >= 2 * Most)
            (_lines, line) = ([], new Line(new CacheScope("/", IsBeginning: true), Always));
        Volatile.Write(ref _lines, [.. _lines.Where(l => l.Scope != line.Scope), line]);
    }

    /// <summary>Nothing on disk is older. Who still reads an object that was in memory then may offer it all the same.</summary>
    public void Remove(IReadOnlyList<Line> done)
    {
        lock (_gate)
        {
            Line[] past = [.. _past, .. done];
            foreach (var (_, until) in past.SkipLast(Most))
                _allBefore = Math.Max(_allBefore, until);
            Volatile.Write(ref _past, [.. past.TakeLast(Most)]);
            Volatile.Write(ref _lines, [.. _lines.Where(l => !done.Contains(l))]);
        }
    }

    /// <summary>Is what lies there no longer to be believed?</summary>
    public bool Covers(string key, long asked) => Covers(Volatile.Read(ref _lines), key, asked);

    /// <summary>Was it purged since it was asked for, in this run? Then it is not written.</summary>
    public bool Covered(string key, long asked) => asked < Volatile.Read(ref _allBefore) || Covers(key, asked) || Covers(Volatile.Read(ref _past), key, asked);

    private static bool Covers(Line[] lines, string key, long asked)
    {
        foreach (var line in lines)
        {
            if (asked < line.Until && line.Scope.Covers(key))
                return true;
        }
        return false;
    }

    public byte[] Write()
    {
        using var bytes = new MemoryStream();
        bytes.Write(stackalloc byte[Before]);
        using var into = new BinaryWriter(bytes, Encoding.UTF8);
        lock (_gate)
        {
            into.Write(_last);
            into.Write(_lines.Length);
            foreach (var (scope, until) in _lines)
            {
                into.Write(scope.Path);
                into.Write(scope.IsBeginning);
                into.Write(until);
            }
        }
        into.Flush();
        var file = bytes.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(file, Magic);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), file.Length - Before);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), Crc32C.Of(file.AsSpan(Before)));
        return file;
    }

    /// <summary>False: nobody knows any more what was purged.</summary>
    public bool TryRead(byte[] file)
    {
        if (file.Length < Before || BinaryPrimitives.ReadUInt32LittleEndian(file) != Magic || BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4)) != file.Length - Before
            || BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(8)) != Crc32C.Of(file.AsSpan(Before)))
            return false;
        try
        {
            using var from = new BinaryReader(new MemoryStream(file, Before, file.Length - Before), Encoding.UTF8);
            var last = from.ReadInt64();
            var lines = new List<Line>();
            for (var left = from.ReadInt32(); left > 0; left--)
                lines.Add(new Line(new CacheScope(from.ReadString(), from.ReadBoolean()), from.ReadInt64()));
            lock (_gate)
            {
                // Opened again, with what could not be written meanwhile.
                Volatile.Write(ref _lines, [.. _lines.Union(lines)]);
                _last = Math.Max(_last, last);
            }
            return true;
        }
        catch (Exception e) when (e is IOException or FormatException)
        {
            return false;
        }
    }
}
