using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Books;

/// <summary>
/// A disk in memory that forgets what a disk may forget. Written sectors lie in the system's cache until a sync that succeeds; when the power
/// fails each of them is there or not, in any order. A sync that fails leaves some on the disk and calls all of them clean: no later sync
/// writes those again unless somebody writes to them again (as ext4 and XFS do).
/// </summary>
internal sealed class ModelDisk(Dice dice)
{
    public const int Sector = 512;

    private readonly Dictionary<string, ModelFile> _files = new(StringComparer.Ordinal);
    private int _left = -1;
    private DiskFault _fault;
    private DiskCall? _only;

    public bool IsDead { get; private set; }

    /// <summary>So many calls from now something goes wrong, once.</summary>
    /// <param name="only">Calls of this kind alone are counted, and fail; null: all that write.</param>
    public void Arm(DiskFault fault, int calls, DiskCall? only = null) => (_fault, _left, _only) = (fault, calls, only);

    public void Disarm() => _left = -1;

    /// <summary>What was armed has not happened yet.</summary>
    public bool IsArmed => _left >= 0;

    public ModelFile? Find(string path) => _files.GetValueOrDefault(path);

    public ModelFile Make(string path) => _files.TryGetValue(path, out var file) ? file : _files[path] = new ModelFile();

    public void Delete(string path) => _files.Remove(path);

    /// <summary>What goes wrong with this call.</summary>
    public DiskFault Next(DiskCall call)
    {
        if (IsDead)
            return DiskFault.Death;
        var counts = _only is { } only ? call == only : call is DiskCall.Write or DiskCall.Sync or DiskCall.Truncate;
        if (!counts || _left < 0 || _left-- > 0)
            return DiskFault.None;
        if (_fault == DiskFault.Death)
            IsDead = true;
        return _fault;
    }

    /// <summary>From now on nothing reaches the disk: the process is as good as gone.</summary>
    public void Die() => IsDead = true;

    /// <param name="power">False: the process died alone, and the system keeps its cache.</param>
    public void Restart(bool power)
    {
        IsDead = false;
        Disarm();
        if (!power)
            return;
        foreach (var (_, file) in _files)
            file.LosePower(dice);
    }

    public void WriteAgain(string path)
    {
        var file = Make(path);
        if (Next(DiskCall.Write) != DiskFault.None)
            throw new IOException("write: input/output error");
        file.WriteAgain();
        if (!TrySync(file, Next(DiskCall.Sync) != DiskFault.None))
            throw new IOException("fsync: input/output error");
    }

    public bool TrySync(ModelFile file, bool fails)
    {
        if (fails)
            file.FailSync(dice);
        else
            file.Sync();
        return !fails;
    }

    /// <summary>A torn write: how much of it was done when the process died.</summary>
    public int Torn(int length) => dice.Below(length / Sector + 1) * Sector;

    public ModelDisk Copy(Dice other)
    {
        var copy = new ModelDisk(other);
        foreach (var (path, file) in _files)
            copy._files[path] = file.Copy();
        return copy;
    }
}

internal enum DiskFault { None, Full, Failed, Death }

internal enum DiskCall { Open, Read, Write, Truncate, Sync, Delete }

internal sealed class ModelFile
{
    private byte[] _cached = [];
    private byte[] _durable = [];
    private int _length;
    private int _durableLength;
    private HashSet<int> _dirty = [];

    public int Length => _length;

    public int Read(Span<byte> to, long offset)
    {
        var got = (int)Math.Clamp(_length - offset, 0, to.Length);
        _cached.AsSpan((int)offset.ClampTo(_length), got).CopyTo(to);
        to[got..].Clear();
        return got;
    }

    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        var end = (int)offset + bytes.Length;
        if (end > _cached.Length)
        {
            Array.Resize(ref _cached, Math.Max(end + ModelDisk.Sector, _cached.Length * 2));
            Array.Resize(ref _durable, _cached.Length);
        }
        bytes.CopyTo(_cached.AsSpan((int)offset));
        _length = Math.Max(_length, end);
        for (var sector = (int)offset / ModelDisk.Sector; sector * ModelDisk.Sector < end; sector++)
            _dirty.Add(sector);
    }

    public void WriteAgain() => _dirty.UnionWith(Enumerable.Range(0, (_length + ModelDisk.Sector - 1) / ModelDisk.Sector));

    public void Truncate(int length)
    {
        if (length >= _length)
            return;
        _cached.AsSpan(length, _length - length).Clear();
        for (var sector = length / ModelDisk.Sector; sector * ModelDisk.Sector < _length; sector++)
            _dirty.Add(sector);
        _length = length;
    }

    public void Sync()
    {
        foreach (var sector in _dirty)
            Keep(sector);
        _dirty.Clear();
        _durableLength = _length;
    }

    public void FailSync(Dice dice)
    {
        foreach (var sector in _dirty)
        {
            if (dice.OneIn(2))
                Keep(sector);
        }
        _dirty.Clear();
        _durableLength = Math.Max(_durableLength, dice.OneIn(2) ? _length : 0);
    }

    public void LosePower(Dice dice)
    {
        foreach (var sector in _dirty)
        {
            if (dice.OneIn(2))
                Keep(sector);
        }
        _dirty.Clear();
        // What lies beyond the end of a file is zero when the file grows over it again.
        _durableLength = dice.OneIn(2) ? _length : _durableLength;
        _durable.AsSpan(Math.Min(_durableLength, _durable.Length)).Clear();
        _durable.CopyTo(_cached.AsSpan());
        _length = _durableLength;
    }

    private void Keep(int sector)
    {
        var at = sector * ModelDisk.Sector;
        var length = Math.Min(ModelDisk.Sector, _cached.Length - at);
        if (length > 0)
            _cached.AsSpan(at, length).CopyTo(_durable.AsSpan(at));
    }

    public ModelFile Copy() => new()
    {
        _cached = [.. _cached],
        _durable = [.. _durable],
        _length = _length,
        _durableLength = _durableLength,
        _dirty = [.. _dirty],
    };
}

file static class Offsets
{
    public static long ClampTo(this long offset, int length) => Math.Clamp(offset, 0, length);
}
