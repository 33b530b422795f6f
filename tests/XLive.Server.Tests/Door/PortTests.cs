using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using XLive.Server.Door;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Door;

/// <summary>A port that no longer accepts is opened again, or the server ends: never a process that runs and cannot be reached.</summary>
public sealed class PortTests
{
    [Fact]
    public async Task A_listening_socket_that_breaks_is_made_anew()
    {
        await using var server = await TestServer.StartAsync();
        server.Write("film/a.ts", [1, 2, 3]);
        using var known = server.Connect();
        Assert.Equal(200, known.Ask("GET", TestServer.Signed("/film/a.ts")).Status);
        var listener = Listener(server);
        for (var i = 1; i <= 3; i++)
        {
            // accept(2) answers EINVAL from now on.
            listener.Socket.Shutdown(SocketShutdown.Both);
            Until.True(() =>
            {
                try
                {
                    return server.Fetch("/film/a.ts").Status == 200;
                }
                catch (SocketException)
                {
                    return false;
                }
            }, "the port is open again", TimeSpan.FromSeconds(3));
            Assert.Equal(200, known.Ask("GET", TestServer.Signed("/film/a.ts")).Status);
            Assert.Equal(i, server.Get<Supervisor>().Loops.Single(l => l.Name.StartsWith("port ", StringComparison.Ordinal)).Restarts);
        }
        Assert.Null(server.Get<Lifeline>().Reason);
    }

    [Fact]
    public async Task When_nobody_asks_for_connections_any_more_the_server_ends_with_a_reason()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var server = await TestServer.StartAsync();
        var stopping = new TaskCompletionSource();
        using var registration = server.Get<IHostApplicationLifetime>().ApplicationStopping.Register(stopping.SetResult);
        await using var listener = (PortListener)await server.Get<IConnectionListenerFactory>().BindAsync(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0), stop);
        // As Kestrel's loop does, once; then it is as if that loop had ended.
        var accepting = listener.AcceptAsync(stop);
        using var viewer = new TcpClient();
        await viewer.ConnectAsync((System.Net.IPEndPoint)listener.EndPoint, stop);
        await using var connection = await accepting;
        Assert.NotNull(connection);
        await stopping.Task.WaitAsync(TimeSpan.FromSeconds(18), stop);
        Assert.Equal($"port {listener.EndPoint} no longer accepts: Kestrel's accept loop has ended", server.Get<Lifeline>().Reason);
        Assert.Contains("the server ends, to be started anew", server.Log(), StringComparison.Ordinal);
    }

    private static PortListener Listener(TestServer server) => server.Get<PortListeners>().All.Single();
}
