using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using XLive.Server.Door.Tls;
using XLive.Server.Sending;

namespace XLive.Server.Door;

/// <summary>Kestrel as this house runs it: our output below every connection, and limits for an open port instead of a trusted one.</summary>
internal static class Listeners
{
    public static void Configure(
        KestrelServerOptions kestrel, DoorOptions door, TlsOptions tls, WritableWaiter waiter, OpenConnections connections,
        Certificates certificates)
    {
        kestrel.AddServerHeader = false;
        kestrel.AllowSynchronousIO = false;
        kestrel.RequestHeaderEncodingSelector = StrictLength.For;
        var limits = kestrel.Limits;
        limits.KeepAliveTimeout = door.KeepaliveTimeout;
        limits.RequestHeadersTimeout = door.HeaderTimeout;
        // Kestrel's floor of 240 bytes a second kills paused and slow players (aspnetcore#7008); network.send_idle_timeout takes its place.
        limits.MinResponseDataRate = null;
        // The API's bodies are a few hundred bytes and come in one packet: CheckedBody gives them the time of a head, and this is for what
        // nobody reads. Kestrel's own 240 bytes a second let a megabyte hold its place for more than an hour.
        limits.MinRequestBodyDataRate = new MinDataRate(CheckedBody.LeastRate, door.HeaderTimeout + LeastGrace);
        // The API's bodies are small; media takes none.
        limits.MaxRequestBodySize = 1 << 20;
        // A player's longest URL is a path grant with a scope of a kilobyte; nginx has the same 8 KiB.
        limits.MaxRequestLineSize = 8 * 1024;
        limits.MaxRequestHeadersTotalSize = 32 * 1024;
        ConfigureHttp2(limits.Http2);

        foreach (var (key, port) in Ports(door, tls))
        {
            foreach (var address in Addresses(door.Host))
            {
                kestrel.Listen(address, port, listen =>
                {
                    UseOutput(listen, waiter, connections);
                    listen.Use(listen.ApplicationServices.GetRequiredService<ProxyProtocol>().Before);
                    if (key == TlsKey)
                        UseTls(listen, HttpProtocols.Http1AndHttp2, certificates, waiter, door.HeaderTimeout);
                });
            }
        }
    }

    /// <summary>A port of another protocol: the same output, the same PROXY header and certificate, and no HTTP.</summary>
    public static void Listen(KestrelServerOptions kestrel, DoorOptions door, int port, bool isTls, WritableWaiter waiter, OpenConnections connections, Certificates certificates,
        ConnectionDelegate serve)
    {
        foreach (var address in Addresses(door.Host))
        {
            kestrel.Listen(address, port, listen =>
            {
                UseOutput(listen, waiter, connections);
                listen.Use(listen.ApplicationServices.GetRequiredService<ProxyProtocol>().Before);
                if (isTls)
                    UseTls(listen, HttpProtocols.Http1, certificates, waiter, door.HeaderTimeout);
                listen.Use(_ => connection =>
                {
                    connection.Features.GetRequiredFeature<OpenConnection>().Protocol = isTls ? ConnectionProtocol.Rtmps : ConnectionProtocol.Rtmp;
                    return serve(connection);
                });
            });
        }
    }

    // Kestrel looks once a second, and takes no time as short as that.
    private static readonly TimeSpan LeastGrace = TimeSpan.FromSeconds(1.1);

    private static void ConfigureHttp2(Http2Limits http2)
    {
        // RFC 9113 section 6.5.2: no smaller than 100. Kestrel keeps track of twice as many that were reset, then tells the client to
        // calm down, and after a hundred refusals in five seconds ends the connection (CVE-2023-44487).
        http2.MaxStreamsPerConnection = 100;
        // One request's header may be as long as its line in HTTP/1.1, where a path and its query stand in one line.
        http2.MaxRequestHeaderFieldSize = 8 * 1024;
        // The decoder's table is memory that a stranger fills; what players repeat fits.
        http2.HeaderTableSize = 4096;
        // What may come in before anybody asks for it. Media has no bodies, the API's are some kilobytes: Kestrel's 1 MiB a connection is
        // for uploads. A frame fits in either.
        http2.InitialConnectionWindowSize = 128 * 1024;
        http2.InitialStreamWindowSize = 64 * 1024;
        // A viewer whose network went away without a word holds up to a hundred streams: asked once a minute of silence, and given up
        // 20 s later. TCP's own keep-alive, or its retries, would take a quarter of an hour.
        http2.KeepAlivePingDelay = TimeSpan.FromSeconds(60);
        http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
    }

    /// <summary>After a failed start: which setting names the port that is not to be had.</summary>
    public static string KeyOfTakenPort(DoorOptions door, TlsOptions tls, params IEnumerable<(string Key, int Port)> others)
    {
        var ports = new HashSet<int>();
        foreach (var (key, port) in Ports(door, tls).Concat(others))
        {
            // Taken by ourselves.
            if (!ports.Add(port))
                return key;
            foreach (var address in Addresses(door.Host))
            {
                try
                {
                    using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
                    if (address.AddressFamily == AddressFamily.InterNetworkV6)
                        probe.DualMode = address.Equals(IPAddress.IPv6Any);
                    probe.Bind(new IPEndPoint(address, port));
                }
                catch (SocketException)
                {
                    return key;
                }
            }
        }
        return "server.host";
    }

    private const string TlsKey = "tls.port";

    /// <summary>What is listened on, each under the setting that names it. server.port may be 0 in tests: any free one.</summary>
    private static List<(string Key, int Port)> Ports(DoorOptions door, TlsOptions tls)
    {
        List<(string, int)> ports = [("server.port", door.Port)];
        if (door.HlsPort != 0 && door.HlsPort != door.Port)
            ports.Add(("hls.port", door.HlsPort));
        if (tls.Port != 0)
            ports.Add((TlsKey, tls.Port));
        if (door.AdminPort != 0)
            ports.Add(("admin.port", door.AdminPort));
        return ports;
    }

    private static IPAddress[] Addresses(string host) => host switch
    {
        // One socket for both families, where this machine has IPv6 at all.
        "*" => [Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any],
        "localhost" => Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback],
        _ => [IPAddress.Parse(host)],
    };

    private static void UseOutput(ListenOptions listen, WritableWaiter waiter, OpenConnections connections)
    {
        listen.Protocols = HttpProtocols.Http1;
        listen.Use(next => async connection =>
        {
            var socket = connection.Features.Get<IConnectionSocketFeature>()!.Socket;
            var output = new SocketOutput(socket, connection, waiter);
            connection.Transport = new Duplex(connection.Transport.Input, output);
            connection.Features.Set(output);
            connection.Features.Set<BodyOutput>(output);
            using var gone = new ViewerGone(output, connection);
            if (connections.Enter(connection, output) is not { } open)
            {
                connection.Abort(new ConnectionAbortedException("there are as many connections as may be"));
                output.Complete();
                return;
            }
            connection.Features.Set(open);
            try
            {
                await next(connection);
            }
            finally
            {
                // Kestrel completes the pipe that it made itself, never one put in its place.
                output.Complete();
                connections.Leave(open);
            }
        });
    }

    /// <summary>The handshake is Kestrel's; what is sent behind it is ours.</summary>
    private static void UseTls(ListenOptions listen, HttpProtocols protocols, Certificates certificates, WritableWaiter waiter, TimeSpan handshakeTimeout)
    {
        listen.Protocols = protocols;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => new(certificates.Options),
            // A stranger's handshake is a head that does not come in.
            HandshakeTimeout = handshakeTimeout,
        });
        listen.Use(next => async connection =>
        {
            var tls = connection.Features.GetRequiredFeature<ISslStreamFeature>().SslStream;
            var socket = connection.Features.GetRequiredFeature<SocketOutput>();
            var streams = tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2 ? new StreamBodies() : null;
            var output = new TlsOutput(tls, socket, streams);
            connection.Transport = new Duplex(connection.Transport.Input, output);
            connection.Features.Set<BodyOutput>(output);
            socket.Gathers = true;
            connection.Features.GetRequiredFeature<OpenConnection>().Protocol = streams is not null ? ConnectionProtocol.Http2 : ConnectionProtocol.Https1;
            if (streams is not null)
            {
                connection.Features.Set(streams);
                waiter.Watch(streams);
                connection.Features.GetRequiredFeature<OpenConnection>().Left = () => waiter.Release(streams);
            }
            try
            {
                await next(connection);
            }
            finally
            {
                if (streams is not null)
                    waiter.Release(streams);
            }
            await output.SayGoodbyeAsync();
        });
    }

    public static void Configure(SocketTransportOptions sockets, NetworkOptions network, WritableWaiter waiter, ILogger log)
    {
        var said = false;
        // Accepted sockets inherit it from the listener.
        sockets.CreateBoundListenSocket = endpoint =>
        {
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            if (CongestionControl.TrySet(socket, network.Congestion) is { } refused && !said)
            {
                // One kernel refuses every port alike.
                said = true;
                log.LogWarning("{Refused}", refused);
            }
            else if (network.Congestion == Congestion.Auto)
            {
                waiter.MayChangeCongestion = CongestionControl.MayChange(socket);
            }
            return socket;
        };
        // Who has named a congestion control wants that and no more.
        waiter.MayPace = network.Congestion == Congestion.Auto;
        sockets.NoDelay = network.NoDelay;
        sockets.Backlog = 4096;
        // Nothing that blocks runs on these threads: files have lanes, management yields to the pool. Measured with the runtime's inline
        // completions: 2 KiB cost 0.56 of nginx instead of 0.91.
        sockets.UnsafePreferInlineScheduling = true;
    }

    private sealed class Duplex(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;
        public PipeWriter Output => output;
    }
}
