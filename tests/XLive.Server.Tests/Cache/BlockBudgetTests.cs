using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Http;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Server.Tests.Cache;

public sealed class BlockBudgetTests
{
    private const int Piece = 64 * 1024;
    private const int MiB = 1 << 20;

    internal static StoredObject Film(long length) =>
        new(new Wanted("/f.mp4", "", new HeaderDictionary()), new StoredHead(200, [new("ETag", "\"f\"")],
            new CachePolicies(new CacheOptions()).Of("/f.mp4", MediaKind.Of("/f.mp4"), 200, isLive: false), 0, 0, authorized: false), length);

    private static BlockBudget Full(StoredObject film)
    {
        var budget = new BlockBudget(16 * MiB);
        for (var i = 0; i < 16 * MiB / Piece; i++)
        {
            var block = budget.TryTake(film, i, Piece)!;
            block.Uses = 3;
            block.Release();
        }
        return budget;
    }

    [Fact]
    public void Where_all_were_used_and_none_is_there_is_room()
    {
        var film = Film(1L << 30);
        var budget = Full(film);
        for (var i = 0; i < 300; i++)
        {
            var block = budget.TryTake(film, 256 + i, Piece);
            Assert.NotNull(block);
            block.Release();
        }
        Assert.Equal(0, budget.Refused);
        Assert.Equal(budget.Limit, budget.Used);
    }

    [Fact]
    public void Room_for_one_is_made_of_many_small_ones()
    {
        var film = Film(1L << 30);
        var budget = Full(film);
        var block = budget.TryTake(film, 1000, 12 * MiB);
        Assert.NotNull(block);
        block.Release();
    }

    [Fact]
    public void What_is_in_use_in_one_queue_does_not_hide_what_is_free_in_the_other()
    {
        var film = Film(1L << 30);
        var budget = Full(film);
        // All of it stands in the main queue but one, and is used no more.
        budget.TryTake(film, 300, Piece)!.Release();
        var held = new List<Block>();
        for (var i = 0; i < 100; i++)
            held.Add(budget.TryTake(film, 1000 + i, Piece)!);
        Assert.DoesNotContain(null, held);
        foreach (var block in held)
            block.Release();
    }

    [Fact]
    public void What_is_looked_through_slowly_does_not_cost_what_is_kept()
    {
        var film = Film(1L << 30);
        var budget = new BlockBudget(16 * MiB);
        for (var i = 0; i < 128; i++)
        {
            var kept = budget.TryTake(film, i, Piece)!;
            Assert.True(film.TryPlace(kept));
            kept.Uses = 2;
            kept.Release();
        }
        var slow = Enumerable.Range(0, 6).Select(i => budget.TryTake(film, 1000 + i, Piece)!).ToList();
        for (var i = 0; i < 1000; i++)
            budget.TryTake(film, 2000 + i, Piece)!.Release();
        Assert.All(Enumerable.Range(0, 128), i => Assert.True(film.Has(i)));
        foreach (var block in slow)
            block.Release();
    }

    [Fact]
    public void While_memory_runs_short_a_quarter_is_all_that_stays()
    {
        var budget = Full(Film(1L << 30));
        budget.Shrink(true);
        Assert.InRange(budget.Used, 0, 4 * MiB);
        budget.Shrink(false);
        Assert.Equal(16 * MiB, budget.Limit);
    }

    [Fact]
    public void A_length_that_somebody_says_takes_no_memory()
    {
        Film(1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Film(1L << 40);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 * 1024);
    }
}
