using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.Server.Tests.Delivery;

public sealed class AnyLinks : SharedServer
{
    protected override string[] Settings => ["--backend.filesystem.links=any"];
}

/// <summary>What else may lie in a folder: directories, pipes, sockets, links in and out, and names of every kind.</summary>
public sealed partial class OddFileTests(SharedServer shared, AnyLinks any) : IClassFixture<SharedServer>, IClassFixture<AnyLinks>
{
    private readonly TestServer _server = shared.Server;

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkfifo(string path, uint mode);

    [Theory]
    [InlineData("/films")]
    [InlineData("/films/")]
    [InlineData("/films/a.ts/")]
    [InlineData("/films/a.ts/b.ts")]
    [InlineData("/none/none.ts")]
    public void What_is_no_file_is_404(string target) => Assert.Equal(404, _server.Fetch(target).Status);

    [Fact]
    public void A_directory_with_a_file_s_name_is_404()
    {
        Directory.CreateDirectory(_server.PathOf("x/dir.ts"));
        Assert.Equal(404, _server.Fetch("/x/dir.ts").Status);
        Directory.CreateDirectory(_server.PathOf("x/dir.m3u8"));
        Assert.Equal(404, _server.Fetch("/x/dir.m3u8").Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_pipe_is_404_at_once(bool links)
    {
        var server = links ? any.Server : _server;
        Directory.CreateDirectory(server.PathOf("x"));
        Assert.Equal(0, mkfifo(server.PathOf("x/pipe.ts"), 0x1B6));
        File.CreateSymbolicLink(server.PathOf("x/link-to-pipe.ts"), "pipe.ts");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        Assert.Equal(404, server.Fetch("/x/pipe.ts").Status);
        Assert.Equal(404, server.Fetch("/x/link-to-pipe.ts").Status);
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10));
        Assert.Equal(0, server.HandlesOpen - server.Files.Handles);
    }

    [Fact]
    public void A_socket_is_404()
    {
        Directory.CreateDirectory(_server.PathOf("x"));
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(_server.PathOf("x/socket.ts")));
        socket.Listen();
        Assert.Equal(404, _server.Fetch("/x/socket.ts").Status);
    }

    /// <summary>Links by name, and whether they stay inside the root.</summary>
    private static Dictionary<string, bool> MakeLinks(TestServer server)
    {
        File.WriteAllText(Path.Combine(server.Folder, "canary.ts"), "CANARY");
        Directory.CreateDirectory(Path.Combine(server.Folder, "outside"));
        File.WriteAllText(Path.Combine(server.Folder, "outside/canary.ts"), "CANARY");
        server.Write("l/real.ts", "inside");
        server.Write("l/sub/real.ts", "inside");
        Directory.CreateDirectory(server.PathOf("l/deep/er"));
        var links = new Dictionary<string, (string Target, bool Inside)>
        {
            ["l/relative.ts"] = ("real.ts", true),
            ["l/up-and-down.ts"] = ("../l/real.ts", true),
            ["l/deep/er/up.ts"] = ("../../real.ts", true),
            ["l/absolute-inside.ts"] = (server.PathOf("l/real.ts"), true),
            ["l/chain.ts"] = ("relative.ts", true),
            ["l/chain-over-absolute.ts"] = ("absolute-inside.ts", true),
            ["l/dir"] = ("sub", true),
            ["l/dir-absolute"] = (server.PathOf("l/sub"), true),
            ["l/out-and-in.ts"] = ($"../../{Path.GetFileName(server.Media)}/l/real.ts", true),
            ["l/out.ts"] = ("../../canary.ts", false),
            ["l/out-absolute.ts"] = (Path.Combine(server.Folder, "canary.ts"), false),
            ["l/chain-out.ts"] = ("out.ts", false),
            ["l/out-dir"] = ("../../outside", false),
            ["l/out-dir-absolute"] = (Path.Combine(server.Folder, "outside"), false),
            ["l/etc"] = ("/etc", false),
            ["l/root"] = ("/", false),
            ["l/beside.ts"] = (server.Media + "-beside/canary.ts", false), // begins like the root, and is not below it
        };
        Directory.CreateDirectory(server.Media + "-beside");
        File.WriteAllText(server.Media + "-beside/canary.ts", "CANARY");
        foreach (var (name, (target, _)) in links)
        {
            if (new FileInfo(server.PathOf(name)).LinkTarget is null)
                File.CreateSymbolicLink(server.PathOf(name), target);
        }
        return links.ToDictionary(l => l.Key switch
        {
            "l/dir" or "l/dir-absolute" => l.Key + "/real.ts",
            "l/out-dir" or "l/out-dir-absolute" => l.Key + "/canary.ts",
            "l/etc" => "l/etc/passwd",
            "l/root" => "l/root/etc/passwd",
            _ => l.Key,
        }, l => l.Value.Inside);
    }

    [Fact]
    public void Links_lead_wherever_they_stay_inside()
    {
        foreach (var (name, inside) in MakeLinks(_server))
        {
            var answer = _server.Fetch("/" + name);
            Assert.True(answer.Status == (inside ? 200 : 404), $"{name}: {answer.StatusLine}");
            if (inside)
                Assert.Equal("inside", answer.Text);
            Assert.DoesNotContain("CANARY", answer.Text);
            Assert.DoesNotContain("root:", answer.Text);
        }
    }

    [Fact]
    public void With_links_any_they_lead_everywhere()
    {
        foreach (var (name, inside) in MakeLinks(any.Server))
        {
            var answer = any.Server.Fetch("/" + name);
            Assert.True(answer.Status == 200, $"{name}: {answer.StatusLine}");
            Assert.StartsWith(inside ? "inside" : name.EndsWith("passwd", StringComparison.Ordinal) ? "root:" : "CANARY", answer.Text);
        }
    }

    [Fact]
    public void Dangling_and_circular_links_are_404()
    {
        foreach (var server in (TestServer[])[_server, any.Server])
        {
            Directory.CreateDirectory(server.PathOf("x"));
            File.CreateSymbolicLink(server.PathOf("x/dangling.ts"), "nowhere.ts");
            File.CreateSymbolicLink(server.PathOf("x/circle-a.ts"), "circle-b.ts");
            File.CreateSymbolicLink(server.PathOf("x/circle-b.ts"), "circle-a.ts");
            foreach (var name in (string[])["dangling", "circle-a", "circle-b"])
                Assert.Equal(404, server.Fetch($"/x/{name}.ts").Status);
        }
    }

    [Fact]
    public void A_link_that_turns_outward_is_seen_within_a_second()
    {
        var links = MakeLinks(_server);
        Assert.True(links["l/relative.ts"]);
        var path = _server.PathOf("l/turning.ts");
        File.CreateSymbolicLink(path, "real.ts");
        Assert.Equal("inside", _server.Fetch("/l/turning.ts").Text);
        File.Delete(path);
        File.CreateSymbolicLink(path, "../../canary.ts");
        Until.True(() =>
        {
            var answer = _server.Fetch("/l/turning.ts");
            Assert.DoesNotContain("CANARY", answer.Text);
            return answer.Status == 404;
        }, "404", TimeSpan.FromSeconds(4));
    }

    private const string Nfc = "caf\u00e9.ts";
    private const string Nfd = "cafe\u0301.ts";

    [Fact]
    public void Every_name_that_a_file_can_have_is_found_by_its_escaped_form()
    {
        string[] names =
        [
            "two words.ts", "100%.ts", "a#b.ts", "what?.ts", "a&b=c.ts", "plus+plus.ts", "semi;colon.ts", "at@sign.ts", "co:lon.ts",
            "quote'quote.ts", "double\"quote.ts", "[brackets].ts", "{braces}.ts", "pipe|.ts", "caret^.ts", "back`tick.ts", "<tag>.ts",
            "star*.ts", "dollar$.ts", "excl!.ts", "tilde~.ts", "comma,.ts", "...three.ts.ts", "a..b.ts", "trailing.", "trailing space ",
            " leading space.ts", "50%25.ts", "%zz.ts", "日本語.ts", "фильм.ts", "😀.ts", "a\u200bb.ts", "a\u202eb.ts", "\u00a0.ts", Nfc, Nfd,
            new string('n', 252) + ".ts", string.Concat(Enumerable.Repeat("é", 126)) + ".ts",
        ];
        foreach (var name in names)
        {
            if (name.StartsWith('.'))
                continue;
            _server.Write("names/" + name, name);
        }
        foreach (var name in names)
        {
            var escaped = Uri.EscapeDataString(name);
            var answer = _server.Fetch("/names/" + escaped);
            if (name.StartsWith('.') || name.Contains("%25", StringComparison.Ordinal))
            {
                // Hidden; or a name that a second decoder would read as another.
                Assert.True(answer.Status is 404 or 400, name + ": " + answer.StatusLine);
                continue;
            }
            Assert.True(answer.Status == 200, $"{name}: {answer.StatusLine}");
            Assert.Equal(name, answer.Text);
            // Every byte escaped is the same name.
            var all = string.Concat(Encoding.UTF8.GetBytes(name).Select(b => "%" + b.ToString("x2", System.Globalization.CultureInfo.InvariantCulture)));
            Assert.Equal(name, _server.Fetch("/names/" + all).Text);
        }
        // Two spellings that look the same are two files.
        Assert.NotEqual(_server.Fetch("/names/" + Uri.EscapeDataString(Nfc)).Text, _server.Fetch("/names/" + Uri.EscapeDataString(Nfd)).Text);
        Assert.Equal(404, _server.Fetch("/names/TWO%20words.ts").Status);
    }

    [Fact]
    public void A_name_longer_than_names_can_be_is_404()
    {
        Assert.Equal(404, _server.Fetch("/names/" + new string('n', 256)).Status);
        Assert.Equal(404, _server.Fetch("/" + string.Concat(Enumerable.Repeat("dir/", 1200)) + "x.ts").Status);
    }

    [Fact]
    public async Task A_file_whose_read_fails_is_503_and_said_so()
    {
        // The kernel's own example of a file that opens and cannot be read: the speed of a network that has none.
        Assert.SkipUnless(File.Exists("/sys/class/net/lo/speed"), "this kernel shows no loopback device");
        await using var server = await TestServer.StartAsync("--backend.filesystem.root=/sys/class/net/lo");
        var answer = server.Fetch("/speed");
        Assert.Equal(503, answer.Status);
        Assert.Equal("5", answer["Retry-After"]);
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Contains("/speed", server.Log());
    }

    [Fact]
    public async Task A_root_that_is_not_there_is_503_until_it_is()
    {
        await using var server = await TestServer.StartAsync();
        Directory.Delete(server.Media, recursive: true);
        Assert.Equal(503, server.Fetch("/x/a.ts").Status);
        server.Write("x/a.ts", "here");
        Until.Equal(200, () => server.Fetch("/x/a.ts").Status, "status");
    }

    [Fact]
    public void Another_root_in_its_place_is_seen()
    {
        var name = "swap/a.ts";
        _server.Write(name, "old");
        Assert.Equal("old", _server.Fetch("/" + name).Text);
        Directory.Move(_server.PathOf("swap"), _server.PathOf("swapped"));
        _server.Write(name, "new");
        Until.Equal("new", () => _server.Fetch("/" + name).Text, "content");
    }
}
