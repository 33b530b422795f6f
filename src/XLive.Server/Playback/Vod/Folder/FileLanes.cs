using System.Collections.Concurrent;
using XLive.Server.Sending;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>
/// Threads for each file system below the root, and a lane on them for each directory. Which file system a directory is on is known
/// once a file of it was opened; first looks have threads of their own, so that a mount that hangs there holds up new directories
/// and nothing that plays.
/// </summary>
internal sealed class FileLanes
{
    private const int MaxDirectories = 100_000;
    private const int MaxDevices = 64;
    private const int FirstLooks = 256;

    private readonly Supervisor? _supervisor;
    private readonly FileThreads _unknown;
    private readonly FileLane[] _firstLooks = new FileLane[FirstLooks];
    private readonly ConcurrentDictionary<ulong, FileThreads> _devices = new();
    private readonly ConcurrentDictionary<string, FileLane> _directories = new(StringComparer.Ordinal);

    public FileLanes(Supervisor? supervisor = null)
    {
        _supervisor = supervisor;
        _unknown = new FileThreads("first look", supervisor);
        for (var i = 0; i < FirstLooks; i++)
            _firstLooks[i] = new FileLane(_unknown);
    }

    public FileLane For(ReadOnlySpan<char> path)
    {
        var directory = Directory(path);
        // Whoever asks for directories that do not exist must leave nothing behind: those are told apart by their hash alone.
        return _directories.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(directory, out var lane)
            ? lane
            : _firstLooks[(uint)string.GetHashCode(directory) % FirstLooks];
    }

    public FileLane Learn(string path, ulong device)
    {
        var threads = _devices.TryGetValue(device, out var known) || _devices.Count >= MaxDevices
            ? known ?? _unknown
            : _devices.GetOrAdd(device, static (d, s) => new FileThreads("device " + (d >> 32) + ":" + (uint)d, s), _supervisor);
        var directories = _directories.GetAlternateLookup<ReadOnlySpan<char>>();
        var directory = Directory(path);
        if (directories.TryGetValue(directory, out var lane) && lane.Threads == threads)
            return lane;
        if (_directories.Count >= MaxDirectories)
            _directories.Clear();
        directories[directory] = lane = new FileLane(threads);
        return lane;
    }

    public int Threads
    {
        get
        {
            var threads = _unknown.Threads;
            foreach (var (_, device) in _devices)
                threads += device.Threads;
            return threads;
        }
    }

    private static ReadOnlySpan<char> Directory(ReadOnlySpan<char> path) => path[..(path.LastIndexOf('/') + 1)];
}
