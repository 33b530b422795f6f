using System.IO.Compression;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Sessions;

namespace XLive.Server.Tests.Gate;

/// <summary>The answer to an entry as HTTP: HEAD, compression, validators.</summary>
public sealed class EntryTests
{
    [Fact]
    public async Task HEAD_opens_no_session_and_says_how_long_the_answer_would_be()
    {
        await using var server = await GateServer.StartAsync();
        var sessions = server.Services.GetRequiredService<SessionTable>();
        var link = server.Link(Films.Master);
        foreach (var accepts in (string[])["Accept-Encoding: identity", "Accept-Encoding: gzip"])
        {
            var opened = sessions.Counts.AllOpened;
            var head = await server.Ask("HEAD", link, accepts, "User-Agent: " + accepts);
            Assert.Equal((200, 0), (head.Status, head.Body.Length));
            Assert.Equal((opened, opened), (sessions.Counts.AllOpened, sessions.Count));
            var get = await server.Get(link, accepts, "User-Agent: " + accepts);
            // A compressed entry's length hangs on the session's own letters, of which there are none yet: now and then it would be off.
            Assert.Equal(get["Content-Encoding"] == "gzip" ? null : get["Content-Length"], head["Content-Length"]);
            Assert.Equal(accepts.EndsWith("gzip", StringComparison.Ordinal) ? "gzip" : null, get["Content-Encoding"]);
            Assert.Equal(get["Content-Type"], head["Content-Type"]);
            // With a session open, the two have one length.
            Assert.Equal(get["Content-Length"], (await server.Ask("HEAD", link, accepts, "User-Agent: " + accepts))["Content-Length"]);
            Assert.Equal(sessions.Counts.AllOpened, opened + 1);
        }
        var segment = await server.Ask("HEAD", server.Link(Films.Segment));
        Assert.Equal(("2048", 0), (segment["Content-Length"], segment.Body.Length));
    }

    [Fact]
    public async Task A_compressed_entry_says_the_same()
    {
        await using var server = await GateServer.StartAsync();
        foreach (var path in (string[])[Films.Master, Films.Rendition])
        {
            var link = server.Link(path, scope: "/v/film/");
            var plain = await server.Get(link, "Accept-Encoding: identity");
            var packed = await server.Get(link, "Accept-Encoding: gzip, br");
            Assert.Equal("gzip", packed["Content-Encoding"]);
            Assert.Equal(plain.Text, Plain(packed));
            Assert.NotEqual(plain["ETag"], packed["ETag"]);
            Assert.Equal(("Accept-Encoding", "Accept-Encoding"), (plain["Vary"], packed["Vary"]));
            Assert.Null((await server.Get(link, "Accept-Encoding: gzip;q=0"))["Content-Encoding"]);
            Assert.Equal(304, (await server.Get(link, "If-None-Match: " + plain["ETag"])).Status);
        }
    }

    internal static string Plain(Reply reply)
    {
        if (reply["Content-Encoding"] != "gzip")
            return reply.Text;
        using var gzip = new GZipStream(new MemoryStream(reply.Body), CompressionMode.Decompress);
        using var reader = new StreamReader(gzip, Encoding.UTF8);
        return reader.ReadToEnd();
    }
}
