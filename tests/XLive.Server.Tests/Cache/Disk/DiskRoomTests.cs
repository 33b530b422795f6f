using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache.Disk;

/// <summary>cache.disk is a bound on what lies there, and what others come for keeps its place.</summary>
public sealed class DiskRoomTests
{
    private const int MiB = Shelved.MiB;

    [Fact]
    public async Task A_look_through_a_library_writes_little_and_flushes_nothing()
    {
        using var shelves = new Shelved(size: 32 * MiB);
        for (var i = 0; i < 16; i++)
        {
            shelves.Put($"/hot/{i}.ts", Pattern.Bytes(MiB, i));
            Assert.NotNull(await shelves.GetAsync($"/hot/{i}.ts"));
        }
        for (var i = 0; i < 200; i++)
            shelves.Put($"/cold/{i}.ts", Pattern.Bytes(MiB, 0));
        var (figures, index) = (shelves.Disk.Figures, shelves.Disk.Index);
        // What there was room for, and not a block more.
        Assert.InRange(figures.Writes, 28, 31);
        Assert.InRange(figures.NotAdmitted, 180, 190);
        for (var i = 0; i < 16; i++)
            await shelves.HasAsync($"/hot/{i}.ts", Pattern.Bytes(MiB, i));
        // What is wanted a second time takes the place of what nobody came back for.
        for (var i = 0; i < 10; i++)
            shelves.Put($"/cold/{150 + i}.ts", Pattern.Bytes(MiB, 0));
        // Where there were three places left; and of those that were seen one or two may have been forgotten for another, by their hashes.
        Assert.InRange(index.Evicted, 5, 10);
        Assert.NotNull(await shelves.GetAsync("/cold/155.ts"));
        for (var i = 0; i < 16; i++)
            Assert.NotNull(await shelves.GetAsync($"/hot/{i}.ts"));
    }

    [Fact]
    public void What_lies_there_never_takes_more_than_the_bound()
    {
        using var shelves = new Shelved(size: 16 * MiB);
        for (var i = 0; i < 60; i++)
        {
            shelves.Put($"/{i}.ts", Pattern.Bytes(5000 + 40_000 * i, i), again: true);
            Assert.InRange(shelves.OnDisk, 0, 16 * MiB);
            Assert.InRange(shelves.Disk.Index.Used, shelves.OnDisk, 16 * MiB);
        }
        Assert.True(shelves.Disk.Index.Evicted > 10, "nothing had to go");
        Assert.Equal(shelves.Files.Count(), shelves.Disk.Index.Files);
    }

    [Fact]
    public void The_number_of_files_is_bounded_too()
    {
        using var shelves = new Shelved(size: 16 * MiB);
        var body = "WEBVTT\n\n"u8.ToArray();
        for (var i = 0; i < 700; i++)
            shelves.Put($"/{i}.vtt", body, again: true);
        Assert.Equal(1024, shelves.Disk.Index.MostFiles);
        Assert.InRange(shelves.Files.Count(), 1000, 1024);
    }

    [Fact]
    public async Task A_folder_that_has_more_than_it_may_now_is_brought_below_the_bound()
    {
        using var folder = new DiskFolder();
        using (var larger = new Shelved(size: 64 * MiB, folder: folder.Path))
        {
            for (var i = 0; i < 40; i++)
                larger.Put($"/{i}.ts", Pattern.Bytes(MiB, i));
        }
        using var smaller = new Shelved(size: 16 * MiB, folder: folder.Path);
        Assert.InRange(smaller.OnDisk, 8 * MiB, 16 * MiB);
        var found = 0;
        for (var i = 0; i < 40; i++)
        {
            if (await smaller.GetAsync($"/{i}.ts") is not { } bytes)
                continue;
            Pattern.AssertSame(Pattern.Bytes(MiB, i), bytes);
            found++;
        }
        Assert.InRange(found, 8, 15);
    }

    [Fact]
    public async Task A_film_larger_than_the_disk_keeps_the_part_that_fits()
    {
        using var shelves = new Shelved(size: 16 * MiB);
        shelves.Put("/film.mp4", Pattern.Bytes(30 * MiB, 1), again: true);
        Assert.InRange(shelves.OnDisk, 12 * MiB, 16 * MiB);
        Assert.NotNull(await shelves.Disk.FindAsync(shelves.Ask("/film.mp4")));
    }

    [Fact]
    public void A_million_files_cost_the_index_little_memory()
    {
        const int Many = 100_000;
        var index = new DiskIndex(1L << 40);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Many; i++)
        {
            index.SetHead((UInt128)i, 1000, null);
            index.Add(new DiskName((UInt128)i, (ulong)i, 0), MiB, toMain: false);
        }
        var each = (GC.GetTotalMemory(forceFullCollection: true) - before) / (2 * Many);
        Assert.Equal(2 * Many, index.Files);
        TestContext.Current.TestOutputHelper!.WriteLine($"{each} bytes a file");
        // Other tests run beside this one.
        Assert.InRange(each, 20, 200);
        GC.KeepAlive(index);
    }
}
