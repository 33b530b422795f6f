using System.Net.Security;
using System.Security.Authentication;
using XLive.Server.Door;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Tls;

/// <summary>What is counted over TLS and HTTP/2: of whole responses every byte, of broken ones nothing too little and at most one send too much.</summary>
public sealed class TlsMeterTests(TlsServer shared) : IClassFixture<TlsServer>
{
    private const int MiB = 1024 * 1024;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private long MeterOf(string uid) => shared.Server.Get<UserMeters>().Of(uid).Bytes;

    [Theory]
    [InlineData(SslProtocols.Tls12, 1)]
    [InlineData(SslProtocols.Tls13, 1)]
    [InlineData(SslProtocols.Tls12, 2)]
    [InlineData(SslProtocols.Tls13, 2)]
    public async Task Whole_responses_count_to_the_byte(SslProtocols protocol, int version)
    {
        var uid = $"whole-{protocol}-{version}";
        using var secure = version == 1 ? shared.Connect(protocol) : null;
        using var http2 = version == 2 ? shared.Http2(protocol) : null;
        async Task<Answer> Ask(string method, string target, params string[] headers) =>
            secure?.Ask(method, TlsServer.SignedFor(uid, target), headers) ?? await TlsServer.Ask(http2!, method, TlsServer.SignedFor(uid, target), headers);
        long sum = 0;
        var asked = 0;
        foreach (var target in (string[])["/films/a.ts", "/films/large.ts", "/films/vod.m3u8", "/films/main.m3u8", "/films/large.ts"])
        {
            foreach (var headers in (string[][])[[], ["Range: bytes=7-66000"], ["Range: bytes=0-1,9-11"], ["Accept-Encoding: gzip"]])
            {
                foreach (var method in (string[])["GET", "HEAD"])
                {
                    sum += (await Ask(method, target, headers)).Body.Length;
                    asked++;
                }
            }
        }
        Assert.True(sum > 4 * SharedServer.Large);
        Until.Equal(asked, () => Logged().Count, "lines in the access log");
        Assert.Equal(sum, MeterOf(uid));
        Assert.Equal(sum, Logged().Sum());

        List<long> Logged() => [.. shared.Server.Log("access.log").Split('\n').Where(l => l.Contains($"uid=\"{uid}\"", StringComparison.Ordinal))
            .Select(l => long.Parse(l[(l.IndexOf("\" ", StringComparison.Ordinal) + 2)..].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture))];
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void A_viewer_who_leaves_in_the_middle_is_charged_what_the_socket_took(SslProtocols protocol)
    {
        var uid = "leaves-" + protocol;
        shared.Server.Write("x/left.ts", Pattern.Bytes(64 * MiB, 41));
        var taken = 5 * MiB + 13;
        long received;
        using (var client = shared.Connect(protocol, receiveBuffer: 65536))
        {
            client.Send(RawClient.Request("GET", TlsServer.SignedFor(uid, "/x/left.ts"))).ReadHead();
            client.ReadBody(taken);
            received = client.SettledReceived();
            client.Reset();
        }
        var (status, bytes) = shared.LoggedOf(uid);
        Assert.Equal(499, status);
        Until.Equal(bytes, () => MeterOf(uid), "bytes of the user");
        // All of it but the handshake, the head and the records' own bytes; of records that were read, not one is missing.
        Assert.InRange(bytes, taken, received);
        Assert.InRange(bytes, received * 0.995 - 20_000, received);
    }

    /// <summary>The stream's window is exactly what can have been delivered: nobody opens it further. The connection lives on.</summary>
    [Theory]
    [InlineData(65_535)]
    [InlineData(100_001)]
    [InlineData(1_100_000)]
    public async Task A_stream_that_is_reset_is_charged_its_window_to_the_byte(int window)
    {
        var uid = "resets-" + window;
        using var client = shared.Http2(window: window);
        using (var response = await client.GetAsync(TlsServer.SignedFor(uid, "/films/large.ts"), HttpCompletionOption.ResponseHeadersRead, Stop))
        {
            await Task.Yield();
            Until.Equal(window, () => MeterOf(uid), "bytes of the window");
        }
        var (status, bytes) = shared.LoggedOf(uid);
        Assert.True(status == 499, shared.LineOf(uid));
        Assert.Equal(window, bytes);
        Assert.Equal(200, (await TlsServer.Ask(client, "GET", TestServer.Signed("/films/a.ts"))).Status);
        Assert.Equal(window, MeterOf(uid));
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Truncated_while_sent_the_connection_breaks_without_a_goodbye(SslProtocols protocol)
    {
        const int Size = 24 * MiB;
        var bytes = Pattern.Bytes(Size, 5);
        var name = $"x/cut{protocol}.ts";
        shared.Server.Write(name, bytes);
        using var client = shared.Connect(protocol, receiveBuffer: 4096);
        var head = client.Send(RawClient.Request("GET", TestServer.Signed("/" + name))).ReadHead();
        var first = client.ReadBody(100_000);
        using (var file = File.OpenWrite(shared.Server.PathOf(name)))
            file.SetLength(Size - 4 * MiB);
        byte[] got = [.. first, .. client.ReadToEnd(out var ending)];
        Assert.Equal(Ending.Reset, ending);
        Assert.False(client.WasToldGoodbye);
        Assert.Equal(Size, head.ContentLength);
        Assert.True(got.Length < Size);
        Pattern.AssertSame(bytes.AsSpan(0, got.Length), got);
    }

    [Fact]
    public async Task Truncated_while_sent_the_stream_is_reset_and_the_others_go_on()
    {
        const int Size = 24 * MiB;
        var bytes = Pattern.Bytes(Size, 6);
        shared.Server.Write("x/cut2.ts", bytes);
        using var client = shared.Http2();
        var accepted = shared.Server.Get<ConnectionCount>().Accepted;
        using var response = await client.GetAsync(TestServer.Signed("/x/cut2.ts"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using (var file = File.OpenWrite(shared.Server.PathOf("x/cut2.ts")))
            file.SetLength(Size - 4 * MiB);
        using var got = new MemoryStream();
        await Assert.ThrowsAnyAsync<IOException>(async () => await (await response.Content.ReadAsStreamAsync(Stop)).CopyToAsync(got, Stop));
        Assert.True(got.Length < Size);
        Pattern.AssertSame(bytes.AsSpan(0, (int)got.Length), got.ToArray());
        Assert.Equal(200, (await TlsServer.Ask(client, "GET", TestServer.Signed("/films/a.ts"))).Status);
        Assert.Equal(1, shared.Server.Get<ConnectionCount>().Accepted - accepted);
    }
}
