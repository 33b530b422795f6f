using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Telemetry;

/// <summary>
/// A log file that rolls: name.log becomes name.1.log, that one name.2.log, and so on. It can be renamed, removed or emptied by
/// others while open (logrotate, an operator) and is opened anew; with the disk full it holds what fits in memory, tries again and
/// counts the lines that are lost. Lines are never torn: after a half-written one the rest follows.
/// </summary>
public sealed class RollingFile : IDisposable
{
    private const int BufferBytes = 1 << 20;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly long _maxSize;
    private readonly int _maxFiles;
    private readonly LineBuffer _lines;
    private readonly Action<string>? _trouble;

    // Used only by the buffer's thread.
    private FileStream? _open;
    private bool _inLine;
    private long _nextRoll;

    private long _failures;
    private volatile string? _fault;

    /// <param name="trouble">Told once when writing begins to fail, and once when it works again.</param>
    public RollingFile(string path, long maxSize, int maxFiles, Action<string>? trouble = null, Supervisor? supervisor = null)
    {
        _path = Path.GetFullPath(path);
        _maxSize = maxSize;
        _maxFiles = maxFiles;
        _trouble = trouble;
        _lines = new LineBuffer(Path.GetFileName(path), BufferBytes, Take, supervisor);
    }

    /// <summary>Lines that were lost because the disk was full or too slow.</summary>
    public long Dropped => _lines.Dropped;

    /// <summary>Writes that the file system refused; each is tried again.</summary>
    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>Why it cannot be written, since then; null while it can.</summary>
    public string? Fault => _fault;

    /// <summary>
    /// Before the first line: makes the file if there is none. Whoever follows it need not wait for that line, and a folder that
    /// cannot be written to shows at the start.
    /// </summary>
    public void Touch()
    {
        try
        {
            Opened();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Failed(fault);
        }
    }

    /// <summary>Adds a line, its end included. Never waits, never throws.</summary>
    public void Write(ReadOnlySpan<byte> line) => _lines.Add(line);

    public bool Flush() => _lines.Flush(s_patience);

    public void Dispose()
    {
        _lines.Dispose();
        _open?.Dispose();
    }

    private int Take(ReadOnlySpan<byte> lines)
    {
        int taken = 0;
        try
        {
            while (taken < lines.Length)
            {
                taken += WriteSome(lines[taken..], out bool refused);
                if (refused)
                {
                    return taken;
                }
            }
            Recovered();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Failed(fault);
        }
        return taken;
    }

    /// <summary>Writes what fits in this file; after an error, <paramref name="refused"/>, what of it got through.</summary>
    private int WriteSome(ReadOnlySpan<byte> lines, out bool refused)
    {
        refused = false;
        SafeFileHandle file = Opened();
        // The length is asked, not remembered: "> xlive.log" may have emptied the file since.
        long length = RandomAccess.GetLength(file);
        int count = lines.Length;
        if (length + count > _maxSize && !_inLine)
        {
            count = lines[..(int)Math.Clamp(_maxSize - length, 0, count)].LastIndexOf((byte)'\n') + 1;
            if (count == 0 && length > 0 && Environment.TickCount64 >= _nextRoll)
            {
                Roll();
                return 0;
            }
            if (count == 0)
            {
                count = length == 0 ? lines.IndexOf((byte)'\n') + 1 : lines.Length; // a line above the bound; a file that will not roll
            }
        }
        try
        {
            RandomAccess.Write(file, lines[..count], length);
        }
        catch (IOException fault)
        {
            // A full disk takes a part and then refuses. Only the file knows how much.
            count = (int)Math.Clamp(RandomAccess.GetLength(file) - length, 0, count);
            refused = true;
            Failed(fault);
        }
        if (count > 0)
        {
            _inLine = lines[count - 1] != '\n';
        }
        return count;
    }

    private SafeFileHandle Opened()
    {
        if (_open is not null)
        {
            // Another file of that name, or none: its length differs from ours, unless both are empty and it does not matter yet.
            FileInfo named = new(_path);
            if (named.Exists && named.Length == RandomAccess.GetLength(_open.SafeFileHandle))
            {
                return _open.SafeFileHandle;
            }
            Close();
        }
        if (Path.GetDirectoryName(_path) is { } folder && !Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
        }
        // 0640: a log names people and what they watched.
        _open = new FileStream(_path, new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead,
        });
        return _open.SafeFileHandle;
    }

    private void Close()
    {
        _open?.Dispose();
        _open = null;
        _inLine = false;
    }

    private void Roll()
    {
        Close();
        try
        {
            if (_maxFiles == 1)
            {
                File.Delete(_path);
                return;
            }
            for (int n = _maxFiles - 1; n > 1; n--)
            {
                if (File.Exists(Numbered(n - 1)))
                {
                    File.Move(Numbered(n - 1), Numbered(n), overwrite: true);
                }
            }
            File.Move(_path, Numbered(1), overwrite: true);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Too long a file is better than none.
            _nextRoll = Environment.TickCount64 + 60_000;
            Interlocked.Increment(ref _failures);
            _trouble?.Invoke($"{_path} cannot be renamed: {fault.Message}");
        }
    }

    private string Numbered(int n) => Path.ChangeExtension(_path, $".{n}{Path.GetExtension(_path)}");

    private void Failed(Exception fault)
    {
        Interlocked.Increment(ref _failures);
        var isFirst = _fault is null;
        _fault = $"{_path}: {fault.Message}";
        if (isFirst)
        {
            _trouble?.Invoke($"{_path} cannot be written: {fault.Message}");
        }
    }

    private void Recovered()
    {
        if (_fault is not null)
        {
            _fault = null;
            _trouble?.Invoke($"{_path} is written again; {Dropped} lines were lost in all");
        }
    }
}
