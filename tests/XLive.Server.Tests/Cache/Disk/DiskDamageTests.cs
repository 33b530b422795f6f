using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>Whatever happens to the files, what comes of them is right, or is not there.</summary>
public sealed class DiskDamageTests
{
    private const int MiB = Shelved.MiB;

    [Fact]
    public async Task Files_that_were_cut_changed_or_exchanged_give_nothing_and_go()
    {
        var seed = Shelved.Seed;
        var random = new Random(seed);
        using var folder = new DiskFolder();
        var versions = new Dictionary<string, int>();
        var (damaged, corrupt) = (0, 0L);
        try
        {
            for (var round = 0; round < 12; round++)
            {
                using var shelves = new Shelved(size: 32 * MiB, folder: folder.Path);
                for (var i = 0; i < 8; i++)
                {
                    var path = $"/{i}.{(i % 2 == 0 ? "ts" : "mp4")}";
                    if (await shelves.GetAsync(path) is { } bytes)
                        Pattern.AssertSame(Body(i, versions[path]), bytes);
                    if (random.Next(2) == 0)
                        continue;
                    versions[path] = round;
                    shelves.Put(path, Body(i, round), i == 7 ? null : $"\"{round}\"", again: true);
                    await shelves.HasAsync(path, Body(i, round));
                }
                corrupt += shelves.Disk.Figures.Corrupt;
                shelves.Dispose();
                for (var i = 0; i < 3 && folder.Files.Length > 1; i++, damaged++)
                    Damage(folder.Files, random);
            }
            Assert.InRange(corrupt, damaged / 6, damaged);
            // Once looked at it is gone, and the place is another's.
            using var last = new Shelved(size: 32 * MiB, folder: folder.Path);
            for (var i = 0; i < 8; i++)
                await last.GetAsync($"/{i}.{(i % 2 == 0 ? "ts" : "mp4")}");
            last.Settle();
            Assert.Equal(last.Disk.Index.Files, last.Files.Count());
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"XLIVE_SEED={seed}: {e.Message}", e);
        }
    }

    private static byte[] Body(int i, int version) => Pattern.Bytes(i * 500_000 + 9000, 100 * i + version);

    private static void Damage(string[] files, Random random)
    {
        var at = random.Next(files.Length);
        var file = files[at];
        // Never the same: a file is not copied over itself.
        var other = files[(at + 1 + random.Next(files.Length - 1)) % files.Length];
        var length = (int)new FileInfo(file).Length;
        switch (random.Next(7))
        {
            case 0:
                using (var cut = File.OpenWrite(file))
                    cut.SetLength(random.Next(length));
                break;
            case 1:
                var bytes = File.ReadAllBytes(file);
                bytes[random.Next(length)] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(file, bytes);
                break;
            case 2:
                // What a file system that lost power leaves of a file: its length, and zeros.
                File.WriteAllBytes(file, [.. File.ReadAllBytes(file).Take(random.Next(length)), .. new byte[length / 2]]);
                break;
            case 3:
                File.Move(file, file + ".exchanged");
                File.Move(other == file ? file + ".exchanged" : other, file);
                if (other != file)
                    File.Move(file + ".exchanged", other);
                break;
            case 4:
                File.Copy(file, other, overwrite: true);
                break;
            case 5:
                File.Delete(file);
                break;
            default:
                File.WriteAllBytes(file + ".tmp", new byte[random.Next(100_000)]);
                break;
        }
    }

    [Fact]
    public async Task A_purge_that_was_answered_stays_and_what_comes_after_it_is_kept()
    {
        using var folder = new DiskFolder();
        using var looks = new ManualResetEventSlim(true);
        using (var first = new Shelved(folder: folder.Path, onCall: writes => _ = writes || looks.Wait(Until.Patience)))
        {
            foreach (var path in (string[])["/a/1.ts", "/a/2.ts", "/b/1.ts"])
                first.Put(path, Pattern.Bytes(9000, 1));
            // The files themselves stay where they are: as if it had ended just then.
            var files = folder.Files.ToDictionary(static f => f, File.ReadAllBytes);
            looks.Reset();
            await first.PurgeAsync("/a/");
            var list = File.ReadAllBytes(folder.Path + "/purges");
            looks.Set();
            Assert.Null(await first.GetAsync("/a/1.ts"));
            first.Put("/a/2.ts", Pattern.Bytes(9000, 2), "\"2\"");
            Until.Equal(0, () => first.Disk.PurgesToSweep, "looked through");
            Assert.Equal(4, folder.Files.Length);
            first.Dispose();
            foreach (var (path, bytes) in files)
            {
                if (!File.Exists(path))
                    File.WriteAllBytes(path, bytes);
            }
            Assert.Equal(7, folder.Files.Length);
            File.WriteAllBytes(folder.Path + "/purges", list);
        }
        using var second = new Shelved(folder: folder.Path);
        Assert.Null(await second.GetAsync("/a/1.ts"));
        await second.HasAsync("/a/2.ts", Pattern.Bytes(9000, 2));
        await second.HasAsync("/b/1.ts", Pattern.Bytes(9000, 1));
        Until.Equal(0, () => second.Disk.PurgesToSweep, "looked through");
        Assert.Equal(4, folder.Files.Length);
        // One more, in the new count.
        await second.PurgeAsync("/a/2.ts");
        Assert.Null(await second.GetAsync("/a/2.ts"));
    }

    [Fact]
    public async Task What_was_in_memory_before_a_purge_is_not_written_after_it()
    {
        using var shelves = new Shelved();
        var (old, other) = (shelves.Make("/a/1.ts", Pattern.Bytes(9000, 1)), shelves.Make("/b/1.ts", Pattern.Bytes(9000, 2)));
        await shelves.PurgeAsync("/a/");
        Until.Equal(0, () => shelves.Disk.PurgesToSweep, "looked through");
        // Somebody still reads it, and another comes.
        shelves.Disk.Offer(old, old.At(0)!, again: true);
        shelves.Disk.Offer(other, other.At(0)!, again: true);
        shelves.Settle();
        Assert.Null(await shelves.GetAsync("/a/1.ts"));
        Assert.NotNull(await shelves.GetAsync("/b/1.ts"));
        shelves.Put("/a/1.ts", Pattern.Bytes(9000, 3), "\"3\"");
        await shelves.HasAsync("/a/1.ts", Pattern.Bytes(9000, 3));
    }

    [Fact]
    public async Task Where_nobody_knows_what_was_purged_nothing_is_believed()
    {
        using var folder = new DiskFolder();
        using (var first = new Shelved(folder: folder.Path))
            first.Put("/a.ts", Pattern.Bytes(9000, 1));
        File.WriteAllText(folder.Path + "/purges", "torn");
        using var second = new Shelved(folder: folder.Path);
        Assert.Null(await second.GetAsync("/a.ts"));
        Assert.Empty(folder.Files);
    }
}
