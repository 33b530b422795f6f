using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Win32.SafeHandles;
using XLive.Server.Sessions;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.FrontCache;

/// <summary>
/// Reads the byte logs of proxies into the ledger, once a second. A file is known by its first line, which has a time and a random id, so it
/// may be renamed, copied or brought from another machine; how far it was read stands in the ledger with what was read. Only whole lines
/// are taken. So a line counts once, through rotations, restarts and kill -9 of either side.
/// </summary>
internal sealed partial class ByteLogs(
    Ledger ledger, SessionTable sessions, SessionTickets tickets, IReadOnlyList<string> paths, Supervisor supervisor, ILogger<ByteLogs> log) : IHostedService, IDisposable
{
    // Some 2,500 lines: one transaction.
    private const int ChunkBytes = 256 << 10;

    // Of one file at a look: 160,000 lines. What is left is the next look's.
    private const int MostChunks = 64;

    // Of one log with all that was rotated; the newest.
    private const int MostFiles = 100;

    private const long LooksBetweenForgetting = 3600;

    private readonly byte[] _buffer = new byte[ChunkBytes];
    private readonly byte[] _head = new byte[ByteLogLine.Longest];
    private readonly RecentTable<Ticket> _known = new(32_768);
    private readonly long[] _lines = new long[4];
    private Dictionary<string, long> _read = new(StringComparer.Ordinal); // by the first line's hash in hex
    private Dictionary<string, long> _seen = new(StringComparer.Ordinal);
    private readonly Lock _looking = new();
    private SupervisedLoop? _loop;
    private bool _stopped;
    private string? _said;
    private long _looks;
    private long _bytes;
    private long _unread;

    /// <summary>Body bytes of viewers, since the start.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Bytes of the logs that no look has taken yet.</summary>
    public long Unread => Volatile.Read(ref _unread);

    public long Lines(LineKind kind) => Volatile.Read(ref _lines[(int)kind]);

    /// <summary>Why a log cannot be read; null when all can.</summary>
    public string? Fault => _said;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (paths.Count > 0)
            _loop = supervisor.Every("proxy logs", TimeSpan.FromSeconds(1), Look);
        return Task.CompletedTask;
    }

    internal void Look()
    {
        lock (_looking)
        {
            if (!_stopped)
                LookNow();
        }
    }

    private void LookNow()
    {
        string? fault = null;
        long unread = 0;
        foreach (var path in paths)
        {
            try
            {
                if (!File.Exists(path))
                    fault = $"{path} is not there";
                foreach (var file in Files(path))
                    unread += ReadFile(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or DatabaseException)
            {
                fault = $"{path}: {e.Message}";
            }
        }
        Volatile.Write(ref _unread, unread);
        // What was not met this time is asked of the ledger again.
        (_read, _seen) = (_seen, _read);
        _seen.Clear();
        if (_looks++ % LooksBetweenForgetting == 0 && fault is null)
            ledger.ForgetLogs();
        Say(fault);
    }

    /// <summary>The log, and beside it what it was called before: "bytes.log", "bytes.log.1", "bytes.log-20260801". The oldest first.</summary>
    private static IEnumerable<string> Files(string path)
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(path)!);
        if (!folder.Exists)
            return [];
        return folder.EnumerateFiles(Path.GetFileName(path) + "*")
            .Where(static f => f.Extension is not (".gz" or ".xz" or ".zst" or ".bz2"))
            .OrderByDescending(static f => f.LastWriteTimeUtc).Take(MostFiles).Reverse().Select(static f => f.FullName);
    }

    /// <returns>Bytes that are left.</returns>
    private long ReadFile(string path)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (FileNotFoundException)
        {
            return 0; // renamed since it was listed
        }
        using (file)
        {
            if (FirstLine(file) is not { } first)
                return 0;
            var name = Convert.ToHexString(first);
            if (!_seen.TryGetValue(name, out var read) && !_read.TryGetValue(name, out read))
                read = ledger.ReadOf(first);
            for (var chunk = 0; chunk < MostChunks && ReadChunk(file, first, read) is > 0 and var taken; chunk++)
                read += taken;
            _seen[name] = read;
            return Math.Max(0, RandomAccess.GetLength(file) - read);
        }
    }

    private byte[]? FirstLine(SafeFileHandle file)
    {
        var length = RandomAccess.Read(file, _head, 0);
        var end = _head.AsSpan(0, length).IndexOf((byte)'\n');
        if (end < 0 && length < _head.Length)
            return null; // half of one yet
        return SHA256.HashData(_head.AsSpan(0, end < 0 ? length : end));
    }

    /// <returns>Bytes that are in the ledger now; 0: there is no whole line.</returns>
    private int ReadChunk(SafeFileHandle file, byte[] first, long from)
    {
        var length = RandomAccess.Read(file, _buffer, from);
        var rest = _buffer.AsSpan(0, length);
        var batch = new ByteLogBatch(tickets, _known);
        var taken = 0;
        for (int end; (end = rest.IndexOf((byte)'\n')) >= 0; rest = rest[(end + 1)..])
        {
            batch.Add(rest[..end]);
            taken += end + 1;
        }
        if (taken == 0)
        {
            if (length < _buffer.Length)
                return 0;
            // No proxy writes such a line; what follows its end counts again.
            batch.Lines[(int)LineKind.Malformed]++;
            taken = length;
        }
        ledger.Import(batch.Users, new LogPlace(first, from + taken));
        Count(batch);
        return taken;
    }

    private void Count(ByteLogBatch batch)
    {
        foreach (var (id, bytes) in batch.Sessions)
            sessions.Find(id)?.CountElsewhere(bytes);
        for (var i = 0; i < _lines.Length; i++)
            Volatile.Write(ref _lines[i], _lines[i] + batch.Lines[i]);
        Volatile.Write(ref _bytes, _bytes + batch.Bytes);
    }

    private void Say(string? fault)
    {
        if (fault == _said)
            return;
        _said = fault;
        if (fault is not null)
            LogFault(fault);
        else
            LogRead();
    }

    /// <summary>What is in the logs from here on is the next start's; the ledger is closed after this.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        lock (_looking)
            _stopped = true;
        return Task.CompletedTask;
    }

    public void Dispose() => _loop?.Dispose();

    [LoggerMessage(LogLevel.Warning, "traffic.proxy_logs: {Fault}; viewers' bytes wait there, and it is tried again each second")]
    private partial void LogFault(string fault);

    [LoggerMessage(LogLevel.Information, "traffic.proxy_logs are read again")]
    private partial void LogRead();
}
