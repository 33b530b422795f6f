using System.Net;
using System.Net.WebSockets;
using XLive.Server.Door;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Live;
using XLive.Server.Tests.Rtmp;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Door;

/// <summary>Open connections, by what is spoken on them.</summary>
public sealed class ConnectionProtocolTests
{
    [Fact]
    public async Task Each_is_counted_as_what_it_is_and_no_more_when_it_has_gone()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-protocols-").FullName;
        var (tls, rtmp, rtmps) = (FreePort.Next(), FreePort.Next(), FreePort.Next());
        await using (var server = await TestServer.StartAsync(
            ["--auth.enable=false", $"--rtmp.port={rtmp}", $"--rtmps.port={rtmps}", .. TestAuthority.SelfSigned().Options(folder, tls)]))
        {
            server.Write("a.ts", [1, 2, 3]);
            Film.Publish(server, new StreamName("live", "cam"));
            Assert.Equal("", Open(server));
            var things = new List<IDisposable>();
            var plain = server.Connect();
            things.Add(plain);
            Assert.Equal(200, plain.Ask("GET", TestServer.Signed("/a.ts")).Status);
            Until.Equal("http1 1", () => Open(server), "open");
            var encrypted = new RawClient(new IPEndPoint(IPAddress.Loopback, tls), tls: TlsServer.Client());
            things.Add(encrypted);
            Assert.Equal(200, encrypted.Ask("GET", TestServer.Signed("/a.ts")).Status);
            Until.Equal("http1 1, https1 1", () => Open(server), "open");
            var second = new HttpClient(new SocketsHttpHandler { SslOptions = TlsServer.Client(), UseProxy = false });
            things.Add(second);
            using (var request = new HttpRequestMessage(HttpMethod.Get, $"https://localhost:{tls}{TestServer.Signed("/a.ts")}") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact })
                Assert.Equal(HttpStatusCode.OK, (await second.SendAsync(request, TestContext.Current.CancellationToken)).StatusCode);
            await OffTheServersThread();
            Until.Equal("http1 1, https1 1, http2 1", () => Open(server), "open");
            var socket = new ClientWebSocket();
            things.Add(socket);
            await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{server.Port}" + TestServer.Signed("/live/cam.flv")), TestContext.Current.CancellationToken);
            await OffTheServersThread();
            Until.Equal("http1 1, https1 1, http2 1, websocket 1", () => Open(server), "open");
            things.Add(new RtmpClient(rtmp));
            Until.Equal("http1 1, https1 1, http2 1, websocket 1, rtmp 1", () => Open(server), "open");
            things.ForEach(static t => t.Dispose());
            Until.Equal("", () => Open(server), "open");
        }
        Directory.Delete(folder, recursive: true);
    }

    private static string Open(TestServer server) =>
        string.Join(", ", server.Get<OpenConnections>().ByProtocol().Where(static p => p.Count > 0).Select(static p => $"{p.Protocol.ToString().ToLowerInvariant()} {p.Count}"));

    private static async Task OffTheServersThread() => await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
}
