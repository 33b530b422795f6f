using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Tests.Origin;

/// <summary>What goes over the wire to an origin, and what of an answer comes back.</summary>
public sealed class AskingTests
{
    [Fact]
    public async Task A_file_and_a_part_of_it_arrive()
    {
        var body = HostileOrigin.Bytes(300_000);
        using var origin = new HostileOrigin(HostileOrigin.File(body));
        using var asker = new Asker(origin);
        var (whole, all) = await asker.Fetch("/films/a.ts");
        Assert.Equal((200, 0L, 300_000L, 300_000L, "\"v1\""), (whole.Status, whole.First, whole.Length, whole.Total, whole.StrongTag));
        Assert.Equal(body, all);
        var (part, some) = await asker.Fetch(new OriginRequest("/films/a.ts", "", OriginKind.Media) { First = 1000, Last = 1999, IfMatchTag = "\"v1\"" });
        Assert.Equal((206, 1000L, 1000L, 300_000L), (part.Status, part.First, part.Length, part.Total));
        Assert.Equal(body[1000..2000], some);
        Assert.Equal(("bytes=1000-1999", "\"v1\""), (origin.Asked[1]["Range"], origin.Asked[1]["If-Range"]));
        var (rest, end) = await asker.Fetch(new OriginRequest("/films/a.ts", "", OriginKind.Media) { First = 299_000, Last = 400_000 });
        Assert.Equal((206, 1000L), (rest.Status, rest.Length));
        Assert.Equal(body[299_000..], end);
        Assert.Equal(1, origin.Connections);
    }
}
