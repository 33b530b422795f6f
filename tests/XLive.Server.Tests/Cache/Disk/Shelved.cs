using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>The disk's tier alone, over a folder: what is put there, and what is found.</summary>
internal sealed class Shelved : IDisposable
{
    public const int MiB = 1 << 20;

    private readonly string _folder;
    private readonly bool _ownsFolder;
    private readonly CachePolicies _policies = new(new CacheOptions());

    public Shelved(long size = 64 * MiB, string? folder = null, TimeProvider? clock = null, long waiting = 64 * MiB, TimeSpan? pause = null, Action<bool>? onCall = null, bool looksThrough = true)
    {
        (_folder, _ownsFolder) = (folder ?? Directory.CreateTempSubdirectory("xlive-shelves-").FullName, folder is null);
        clock ??= TimeProvider.System;
        Budget = new BlockBudget(128 * MiB);
        Disk = new DiskCache(new DiskFiles(_folder) { OnCall = onCall }, size, waiting, _policies, Keys, new WholeObjects(Budget, Keys, static () => []), clock, new Supervisor(clock),
            NullLogger<DiskCache>.Instance, pause);
        if (looksThrough)
            Until.True(() => Disk.IsScanned, "the folder looked through");
    }

    public DiskCache Disk { get; }
    public BlockBudget Budget { get; }
    public KeyPaths Keys { get; } = new();
    public string Folder => _folder;
    public int Purges { get; private set; }

    public IEnumerable<string> Files => Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories).Where(static f => Path.GetFileName(f).Length >= 32);

    /// <summary>What the files take, as du would say.</summary>
    public long OnDisk => Directory.EnumerateFileSystemEntries(_folder, "*", SearchOption.AllDirectories).Sum(static f => Directory.Exists(f) ? 4096 : (new FileInfo(f).Length + 4095) / 4096 * 4096);

    public Wanted Ask(string path) => new(path, "", new HeaderDictionary()) { Purges = Purges };

    public StoredObject Make(string path, byte[] bytes, string? tag = "\"1\"")
    {
        var headers = new List<KeyValuePair<string, string>> { new("Cache-Control", "max-age=3600") };
        if (tag is not null)
            headers.Add(new("ETag", tag));
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var kept = new StoredObject(Ask(path), new StoredHead(200, headers, _policies.Of(path, MediaKind.Of(path), 200, isLive: false), now, now, authorized: false), bytes.Length);
        Assert.True(new WholeObjects(Budget, Keys, static () => []).TryFill(kept, bytes), "no memory");
        return kept;
    }

    /// <summary>As a fetch of it would.</summary>
    public void Put(string path, byte[] bytes, string? tag = "\"1\"", bool again = false)
    {
        var kept = Make(path, bytes, tag);
        Disk.Put(kept);
        for (var i = 0; again && i < kept.BlockCount; i++)
            Disk.Offer(kept, kept.At(i)!, again: true);
        Settle();
        kept.Unpin();
    }

    public void Settle() => Until.True(() => Disk.Queue.IsIdle || Disk.Fault is not null, "nothing waits for the disk");

    public async Task<int> PurgeAsync(string path)
    {
        Assert.True(CacheScope.TryParse(path, out var scope, out var fault), fault);
        Disk.Purge(scope, ++Purges);
        await Disk.KeepPurgesAsync();
        return Purges;
    }

    /// <summary>All of its bytes, or null where one is not there.</summary>
    public async Task<byte[]?> GetAsync(string path)
    {
        if (await Disk.FindAsync(Ask(path)) is not { } found)
            return null;
        var bytes = new byte[found.Length];
        for (var i = 0; i < found.BlockCount; i++)
        {
            if (found.At(i) is { } here)
            {
                here.GetSpan().CopyTo(bytes.AsSpan(i * MiB));
                continue;
            }
            var block = Budget.TryTake(found, i, found.LengthOf(i))!;
            try
            {
                if (!await Disk.ReadAsync(found, found.Place!, block))
                    return null;
                block.GetSpan().CopyTo(bytes.AsSpan(i * MiB));
            }
            finally
            {
                block.Release();
            }
        }
        return bytes;
    }

    public async Task HasAsync(string path, byte[] bytes)
    {
        var found = await GetAsync(path);
        Assert.NotNull(found);
        Pattern.AssertSame(bytes, found);
    }

    public static int Seed => Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();

    public void Dispose()
    {
        Disk.Dispose();
        if (_ownsFolder)
            Directory.Delete(_folder, recursive: true);
    }
}
