using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Endurance;

/// <summary>What network.* asks for holds on the sockets that viewers have, not only on the listener: asked of the kernel, on every port.</summary>
public sealed class SocketTuningTests : IDisposable
{
    private const int Tcp = 6, NoDelay = 1, Congestion = 13;
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-tuning-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("auto", "cubic", true)] // on this machine; SharedPathTests has those who are far
    [InlineData("bbr", "bbr", false)]
    [InlineData("cubic", "cubic", true)]
    [InlineData("system", null, false)]
    public async Task Accepted_sockets_have_it(string setting, string? name, bool noDelay)
    {
        var expected = name is not null && KernelTakes(name) ? name : SystemsOwn;
        int hls = 0, tls = 0;
        await using var server = await Started();
        foreach (var port in (int[])[server.Port, hls, tls])
        {
            foreach (var address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
            {
                using var client = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                client.Connect(address, port);
                var accepted = OtherEndOf(client);
                // Each is set a moment after the kernel has accepted it.
                Until.Equal(expected, () => CongestionOf(accepted), "congestion control");
                Until.Equal(noDelay, () => Option(accepted, NoDelay, 4)[0] != 0, "TCP_NODELAY");
            }
        }
        // Refused or not: never more than one line.
        var said = server.Log().Split('\n').Count(l => l.Contains("network.congestion", StringComparison.Ordinal));
        Assert.Equal(name is null || expected == name ? 0 : 1, said);

        async Task<TestServer> Started()
        {
            for (var attempt = 0; ; attempt++)
            {
                (hls, tls) = (FreePort.Next(), FreePort.Next());
                try
                {
                    return await StartAsync(hls, tls, setting, noDelay);
                }
                catch (IOException) when (attempt < 10)
                {
                    // A client of another test has got the port meanwhile.
                }
            }
        }
    }

    private async Task<TestServer> StartAsync(int hls, int tls, string setting, bool noDelay) =>
        await TestServer.StartAsync(["--server.host=*", $"--hls.port={hls}", $"--network.congestion={setting}",
            $"--network.nodelay={(noDelay ? "true" : "false")}", .. TestAuthority.SelfSigned().Options(_folder, tls)]);

    private static string SystemsOwn => File.ReadAllText("/proc/sys/net/ipv4/tcp_congestion_control").Trim();

    private static bool KernelTakes(string name)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.SetRawSocketOption(Tcp, Congestion, Encoding.ASCII.GetBytes(name));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string CongestionOf(Socket socket) => Encoding.ASCII.GetString(Option(socket, Congestion, 16)).TrimEnd('\0');

    private static byte[] Option(Socket socket, int option, int size)
    {
        var value = new byte[size];
        return value[..socket.GetRawSocketOption(Tcp, option, value)];
    }

    /// <summary>The server runs in this process, so its end of a connection is one of our own descriptors.</summary>
    private static Socket OtherEndOf(Socket client)
    {
        Socket? found = null;
        Until.True(() => (found = Find((IPEndPoint)client.LocalEndPoint!, ((IPEndPoint)client.RemoteEndPoint!).Port)) is not null, "the connection is accepted");
        return found!;
    }

    // Both ends: a port of a client may be that of another test's client too, of another server.
    private static Socket? Find(IPEndPoint client, int server)
    {
        foreach (var entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            try
            {
                if (new FileInfo(entry).LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) != true)
                    continue;
                var descriptor = int.Parse(Path.GetFileName(entry), CultureInfo.InvariantCulture);
                // Looked at, never owned.
                var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: false));
                if (socket.RemoteEndPoint is IPEndPoint peer && peer.Port == client.Port
                    && ((IPEndPoint)socket.LocalEndPoint!).Port == server)
                    return socket;
            }
            catch (Exception e) when (e is SocketException or IOException or ArgumentException)
            {
                // A listener, another kind of socket, or closed meanwhile.
            }
        }
        return null;
    }
}
