using System.Globalization;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache;

/// <summary>Pages go out as they are, and lie in queues when their block has long gone.</summary>
public sealed class BlockPagesTests
{
    private const int MiB = 1 << 20;
    private const int Films = 20;

    [Fact]
    public async Task What_lies_in_a_queue_is_not_overwritten_by_what_comes_into_the_same_memory()
    {
        var films = Enumerable.Range(0, Films).Select(static i => Pattern.Bytes(8 * MiB, 100 + i)).ToArray();
        await using var origin = await ScriptedOrigin.StartAsync(c => ScriptedOrigin.File(c, films[int.Parse(c.Request.Path.Value![2..^4], CultureInfo.InvariantCulture)], "\"v\"", "max-age=60"));
        await using var server = await origin.FrontAsync("--cache.memory=64MiB");
        var budget = server.Get<BlockBudget>();
        // Reads nothing yet: megabytes of it lie in his queue and in ours.
        using var late = server.Connect();
        late.Send(RawClient.Request("GET", TestServer.Signed("/f0.mp4")));
        var head = late.ReadHead();
        late.SettledReceived();
        // All of the memory is used, and then used again.
        using var other = server.Connect();
        for (var i = 1; i < Films; i++)
            Assert.Equal(films[i], other.Ask("GET", TestServer.Signed($"/f{i}.mp4")).Body);
        Assert.InRange(budget.Evicted, 16, long.MaxValue);
        Assert.Equal(films[0], late.ReadBody(head.ContentLength));
    }

    [Fact]
    public unsafe void A_page_goes_whole_and_few_wait_for_their_other_half()
    {
        var pages = new BlockPages(4);
        var halves = Enumerable.Range(0, 40).Select(_ => pages.Take()).ToArray();
        Assert.Equal(40, halves.Select(static h => (nint)h.Bytes).Distinct().Count());
        foreach (var half in halves)
            new Span<byte>(half.Bytes, Block.Size).Fill(7);
        // One of each two.
        for (var i = 0; i < 40; i += 2)
            pages.GiveBack(halves[i]);
        Assert.Equal(4 * MiB, pages.Waiting);
        var again = Enumerable.Range(0, 80).Select(_ => pages.Take()).ToArray();
        foreach (var half in again)
            Assert.False(new Span<byte>(half.Bytes, Block.Size).ContainsAnyExcept((byte)0), "what was there is there still");
        for (var i = 1; i < 40; i += 2)
            pages.GiveBack(halves[i]);
        foreach (var half in again)
            pages.GiveBack(half);
        Assert.Equal(0, pages.Waiting);
    }
}
