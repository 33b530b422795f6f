using System.Collections.Concurrent;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>
/// The open files and hot bytes, by path: within a budget of bytes and one of handles. Second chance: an entry that was used since the
/// last pass stays, so a scan over a library does not push out what viewers watch.
/// </summary>
internal sealed class FileTable(long maxBytes, int maxHandles)
{
    private readonly ConcurrentDictionary<string, FileEntry> _entries = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Queue<FileEntry> _order = new();
    private long _bytes;
    private bool _small;
    private int _handles;

    public long Bytes => Volatile.Read(ref _bytes);
    public int Handles => Volatile.Read(ref _handles);
    public int Count => _entries.Count;
    public long MaxBytes => maxBytes;
    public int MaxHandles => maxHandles;

    /// <summary>The entry, held for the caller, or null.</summary>
    public FileEntry? Find(ReadOnlySpan<char> path)
    {
        if (!_entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(path, out var entry))
            return null;
        if (!entry.Referenced)
            entry.Referenced = true;
        return entry.TryHold() ? entry : null;
    }

    /// <summary>Takes the place of an older version; the table now holds it.</summary>
    public void Put(FileEntry entry)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(entry.Path, out var older))
                Forget(older);
            _entries[entry.Path] = entry;
            _order.Enqueue(entry);
            _bytes += entry.HeldBytes;
            if (entry.HoldsHandle)
                _handles++;
            Trim();
        }
    }

    public void Remove(string path)
    {
        lock (_gate)
        {
            if (_entries.TryRemove(path, out var entry))
                Forget(entry);
        }
    }

    /// <summary>While memory runs short a quarter must do: what is watched most stays.</summary>
    public void Shrink(bool small)
    {
        lock (_gate)
        {
            _small = small;
            Trim();
        }
    }

    /// <summary>Half of the open files that nobody is being sent, for a process that is out of descriptors.</summary>
    public void CloseSome()
    {
        lock (_gate)
        {
            var most = _handles / 2;
            for (var left = _order.Count; left > 0 && _handles > most && _order.TryDequeue(out var entry); left--)
            {
                if (!_entries.TryGetValue(entry.Path, out var current) || current != entry)
                    continue;
                if (!entry.HoldsHandle)
                {
                    _order.Enqueue(entry);
                    continue;
                }
                _entries.TryRemove(entry.Path, out _);
                Forget(entry);
            }
        }
    }

    private void Forget(FileEntry entry)
    {
        _bytes -= entry.HeldBytes;
        if (entry.HoldsHandle)
            _handles--;
        entry.Release();
    }

    private void Trim()
    {
        // Each pass takes or spares one; entries replaced or removed meanwhile are still in the queue and fall out here.
        var spared = 0;
        while ((_bytes > (_small ? maxBytes / 4 : maxBytes) || _handles > maxHandles || _order.Count > 2 * _entries.Count + 1024) && _order.TryDequeue(out var entry))
        {
            if (!_entries.TryGetValue(entry.Path, out var current) || current != entry)
                continue;
            if (entry.Referenced && spared++ < _entries.Count)
            {
                entry.Referenced = false;
                _order.Enqueue(entry);
                continue;
            }
            _entries.TryRemove(entry.Path, out _);
            Forget(entry);
        }
    }
}
