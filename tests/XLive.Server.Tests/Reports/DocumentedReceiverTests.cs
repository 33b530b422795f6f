using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Storage;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Tests.Reports;

/// <summary>The receiver of docs/traffic.md, as it stands there, beside a real server.</summary>
public sealed class DocumentedReceiverTests
{
    private const string Key = "key-of-the-documented-receiver";

    [Fact]
    public async Task It_adds_up_to_the_byte_over_repeats_and_forgeries()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-receiver-").FullName;
        var port = FreePort.Next();
        var script = Path.Combine(folder, "receiver.py");
        File.WriteAllText(script, Program());
        using var python = Process.Start(new ProcessStartInfo("python3", [script, port.ToString(CultureInfo.InvariantCulture), Key, Path.Combine(folder, "sums.db")]))!;
        try
        {
            Until.True(() => python.HasExited || Listens(port), "the receiver");
            Assert.False(python.HasExited, "the receiver ended");
            await using var server = await TestServer.StartAsync($"--traffic.report_url=http://127.0.0.1:{port}/", $"--traffic.api_key={Key}",
                "--traffic.report_interval=1s", "--traffic.min_bytes=1");
            server.Write("a.ts", Pattern.Bytes(123_457));
            var outbox = server.Get<Ledger>().Outbox;
            for (var i = 0; i < 4; i++)
            {
                foreach (var uid in (string[])["u1", "Ünïcode", "u3"])
                {
                    using var client = server.Connect();
                    Assert.Equal(200, client.Ask("GET", "/a.ts?" + TestServer.Grant(uid)).Status);
                }
                // Whatever lies there goes out a second time, beside the server's own; and once with a letter changed.
                Until.True(() => outbox.Oldest() is not null || server.Get<Ledger>().Totals().BytesReported == (i + 1) * 3 * 123_457, "a report");
                if (outbox.Oldest() is { } report)
                {
                    Assert.Equal(200, Post(port, report.Body, ReportPost.Signature(report.Body, Key)));
                    Assert.Equal(401, Post(port, [.. report.Body, (byte)' '], ReportPost.Signature(report.Body, Key)));
                }
            }
            var repeat = Encoding.UTF8.GetBytes("{\"report_id\": \"again\", \"items\": [{\"uid\": \"u3\", \"total_bytes\": 1000}]}");
            for (var i = 0; i < 3; i++)
                Assert.Equal(200, Post(port, repeat, ReportPost.Signature(repeat, Key)));
            Until.True(() => server.Get<Ledger>().Totals().BytesReported == 12 * 123_457, "all is reported");
            using var sums = Sqlite.Open(Path.Combine(folder, "sums.db"));
            Assert.Equal([("u1", 4 * 123_457L), ("u3", 4 * 123_457L + 1000), ("Ünïcode", 4 * 123_457L)],
                sums.Query("SELECT uid, bytes FROM users ORDER BY uid", static row => (row.Text(0), row.Int64(1))));
        }
        finally
        {
            python.Kill();
            await python.WaitForExitAsync(TestContext.Current.CancellationToken);
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>One connection, one request, and what comes until its end.</summary>
    private static int Post(int port, byte[] body, string signature)
    {
        using var client = new RawClient(new IPEndPoint(IPAddress.Loopback, port));
        client.Send($"POST / HTTP/1.1\r\nHost: receiver\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\nX-Signature: {signature}\r\n\r\n");
        var said = Encoding.ASCII.GetString(client.Send(body).ReadToEnd(out var ending));
        Assert.True(said.Length > 12, $"{said} {ending}");
        return int.Parse(said[9..12], CultureInfo.InvariantCulture);
    }

    private static bool Listens(int port)
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Connect("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Program()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "XLive.slnx")))
            folder = Path.GetDirectoryName(folder)!;
        var text = File.ReadAllText(Path.Combine(folder, "docs", "traffic.md"));
        var start = text.IndexOf("```python\n", StringComparison.Ordinal) + "```python\n".Length;
        return text[start..text.IndexOf("```", start, StringComparison.Ordinal)];
    }
}
