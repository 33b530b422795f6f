using System.Collections.Concurrent;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>
/// A lane for each file system below the root. Which one a path is on is known once a file of its directory was opened; first looks
/// into a directory have a lane of their own, so that a mount that hangs there holds up new directories and nothing that plays.
/// </summary>
internal sealed class FileLanes
{
    private const int MaxDirectories = 100_000;
    private const int MaxDevices = 64;

    private readonly FileLane _unknown = new("first look");
    private readonly ConcurrentDictionary<ulong, FileLane> _devices = new();
    private readonly ConcurrentDictionary<string, FileLane> _directories = new(StringComparer.Ordinal);

    public FileLane For(ReadOnlySpan<char> path) =>
        _directories.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(Directory(path), out var lane) ? lane : _unknown;

    public FileLane Learn(string path, ulong device)
    {
        var lane = _devices.TryGetValue(device, out var known) || _devices.Count >= MaxDevices
            ? known ?? _unknown
            : _devices.GetOrAdd(device, static d => new FileLane("device " + (d >> 32) + ":" + (uint)d));
        if (_directories.Count >= MaxDirectories)
            _directories.Clear();
        _directories.GetAlternateLookup<ReadOnlySpan<char>>()[Directory(path)] = lane;
        return lane;
    }

    public int Threads
    {
        get
        {
            var threads = _unknown.Threads;
            foreach (var (_, lane) in _devices)
                threads += lane.Threads;
            return threads;
        }
    }

    private static ReadOnlySpan<char> Directory(ReadOnlySpan<char> path) => path[..(path.LastIndexOf('/') + 1)];
}
