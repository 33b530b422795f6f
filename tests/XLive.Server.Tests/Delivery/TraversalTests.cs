using System.Runtime.CompilerServices;
using System.Text;
using XLive.Server.Playback.Vod.Folder;

namespace XLive.Server.Tests.Delivery;

/// <summary>The public collections of traversal lines, raw over a socket: whatever they spell, nothing outside the root is read.</summary>
public sealed class TraversalTests
{
    private static string Corpora([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../../shared/corpora/paths"));

    private static IEnumerable<string> Lines()
    {
        // The collections lie beside a checkout of the project; the lines below always run.
        var lines = Directory.Exists(Corpora())
            ? Directory.GetFiles(Corpora(), "*.txt").SelectMany(f => File.ReadAllLines(f, Encoding.Latin1))
            : [];
        string[] own =
        [
            "../{FILE}", "..%2f{FILE}", "%2e%2e/{FILE}", "%2e%2e%2f{FILE}", "..%5c{FILE}", "..\\{FILE}", "..;/{FILE}", "%c0%ae%c0%ae/{FILE}",
            "..%c0%af{FILE}", "%252e%252e%252f{FILE}", "/{FILE}", "//{FILE}", "./{FILE}", "films/../../{FILE}", "films/%2e%2e/%2e%2e/{FILE}",
            "..%00/{FILE}", "{FILE}%00.ts", "films/a.ts%00/../../{FILE}", "..%0d%0a/{FILE}", "..%ef%bc%8f{FILE}", "%ef%bc%8e%ef%bc%8e/{FILE}",
            "films/..", "films/a.ts/../../{FILE}", "link/../{FILE}",
        ];
        return lines.Concat(own).Where(l => l.Length > 0).Distinct();
    }

    [Theory]
    [InlineData("inside", 0)]
    [InlineData("inside", 1)]
    [InlineData("inside", 2)]
    [InlineData("any", 1)]
    [InlineData("any", 2)]
    public async Task No_line_of_the_collections_reads_a_byte_outside(string links, int grant)
    {
        await using var server = await TestServer.StartAsync("--backend.filesystem.links=" + links, "--cache.memory=1MiB");
        var source = server.Get<FolderSource>();
        server.Write("films/a.ts", "FILM");
        File.WriteAllText(Path.Combine(server.Folder, "canary"), "CANARY");
        var prefix = grant == 2 ? TestServer.Prefix() : "";
        var query = TestServer.Grant();
        var client = server.Connect();
        int sent = 0, refusedByForm = 0;
        foreach (var line in Lines())
        {
            foreach (var file in line.Contains("{FILE}", StringComparison.Ordinal) ? (string[])["etc/passwd", "canary"] : [""])
            {
                var path = line.Replace("{FILE}", file, StringComparison.Ordinal);
                var target = prefix + (path.StartsWith('/') ? path : "/" + path);
                if (grant == 1)
                    target += (target.Contains('?') ? "&" : "?") + query;
                var before = source.Looks;
                Answer answer;
                try
                {
                    answer = client.Ask("GET", target);
                }
                catch (Exception e) when (e is EndOfStreamException or System.Net.Sockets.SocketException { SocketErrorCode: not System.Net.Sockets.SocketError.TimedOut })
                {
                    Assert.Fail($"{target}: no answer ({e.Message})");
                    throw;
                }
                sent++;
                Assert.True(answer.Status is 400 or 401 or 403 or 404, $"{target}: {answer.StatusLine}");
                Assert.DoesNotContain("CANARY", answer.Text);
                Assert.DoesNotContain("root:", answer.Text);
                if (answer.Status == 400)
                    refusedByForm++;
                // Refused before the file system is touched, and before a token is given a thought.
                if (answer.Status != 404)
                    Assert.True(source.Looks == before, $"{target}: the file system was asked");
                if (answer["Connection"] == "close")
                {
                    client.Dispose();
                    client = server.Connect();
                }
            }
        }
        client.Dispose();
        Assert.True(sent > (Directory.Exists(Corpora()) ? 1000 : 40) && refusedByForm > 20, $"{sent} sent, {refusedByForm} refused by form");
        Assert.Equal(200, server.Fetch("/films/a.ts").Status);
        Assert.DoesNotContain("failed", server.Log("error.log"));
    }

    [Fact]
    public async Task Paths_that_are_refused_are_never_looked_up()
    {
        await using var server = await TestServer.StartAsync();
        var source = server.Get<FolderSource>();
        using var client = server.Connect();
        foreach (var target in (string[])["/a/../b.ts", "/a//b.ts", "/a%2fb.ts", "/a%5cb.ts", "/a%252e/b.ts", "/%c0%ae/b.ts", "/.hidden", "/a/", "/x.keyinfo", "/~x/b.ts", "/~v1.a/b.ts", "/api/b.ts", "/metrics/b.ts"])
            Assert.InRange(client.Ask("GET", TestServer.Signed(target)).Status, 400, 404);
        Assert.Equal(401, client.Ask("GET", "/films/a.ts").Status);
        Assert.Equal(401, client.Ask("GET", "/films/a.ts?" + TestServer.Grant().Replace("uid=u1", "uid=u2", StringComparison.Ordinal)).Status);
        Assert.Equal(0, source.Looks);
        // The count counts.
        Assert.Equal(404, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
        Assert.Equal(1, source.Looks);
    }

    [Theory]
    [InlineData("GET http://test/films/a.ts HTTP/1.1", 400)]
    [InlineData("GET HTTP://evil/films/../../canary HTTP/1.1", 400)]
    [InlineData("GET test:80 HTTP/1.1", 405)]
    [InlineData("GET * HTTP/1.1", 405)]
    [InlineData("CONNECT test:80 HTTP/1.1", 400)]
    [InlineData("GET films/a.ts HTTP/1.1", 400)]
    [InlineData("GET ../canary HTTP/1.1", 400)]
    [InlineData("GET /films/a.ts#x HTTP/1.1", 400)]
    [InlineData("GET /films/\u00e9.ts HTTP/1.1", 400)]
    [InlineData("GET /films/\u0000.ts HTTP/1.1", 400)]
    [InlineData("GET /films/a.ts\u0000 HTTP/1.1", 400)]
    [InlineData("GET ? HTTP/1.1", 400)]
    [InlineData("GET //test/films/a.ts HTTP/1.1", 400)]
    public async Task Other_forms_of_a_target_are_refused(string requestLine, int status)
    {
        await using var server = await TestServer.StartAsync("--access.enable=false");
        server.Write("films/a.ts", "FILM");
        using var client = server.Connect();
        client.Send(requestLine + "\r\nHost: test\r\n\r\n");
        var answer = client.Read();
        Assert.Equal(status, answer.Status);
        Assert.DoesNotContain("FILM", answer.Text);
        Assert.Equal(0, server.Get<FolderSource>().Looks);
    }
}
