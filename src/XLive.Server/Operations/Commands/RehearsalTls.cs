using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace XLive.Server.Operations.Commands;

/// <summary>The visitor over TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2. Its frames are the few that a request needs (RFC 9113).</summary>
internal sealed class RehearsalTls(int port)
{
    private const byte DataFrame = 0, HeadersFrame = 1, ResetFrame = 3, SettingsFrame = 4, GoAwayFrame = 7;
    private const byte EndStream = 1, EndHeaders = 4;

    public async Task AskAsync(string[] targets)
    {
        foreach (var version in (SslProtocols[])[SslProtocols.Tls12, SslProtocols.Tls13])
        {
            await using (var tls = await ConnectAsync(SslApplicationProtocol.Http11, version))
            {
                foreach (var target in targets)
                    await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\n{(target == targets[^1] ? "Connection: close\r\n" : "")}\r\n"));
                var rest = new byte[16 * 1024];
                while (await tls.ReadAsync(rest) > 0)
                    continue;
            }
            await using var second = await ConnectAsync(SslApplicationProtocol.Http2, version);
            await second.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
            await second.WriteAsync(Frame(SettingsFrame, 0, 0, []));
            for (var i = 0; i < targets.Length; i++)
                await second.WriteAsync(Frame(HeadersFrame, EndStream | EndHeaders, 2 * i + 1, Head(targets[i])));
            await HearAsync(second, targets.Length);
        }
    }

    private async Task<SslStream> ConnectAsync(SslApplicationProtocol protocol, SslProtocols version)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port);
#pragma warning disable CA5359 // it is our own certificate, and nothing that is heard here is believed
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false, static (_, _, _, _) => true);
#pragma warning restore CA5359
#pragma warning disable CA5398, CA5397, SYSLIB0039 // one of each that is served
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost", ApplicationProtocols = [protocol], EnabledSslProtocols = version,
        });
#pragma warning restore CA5398, CA5397, SYSLIB0039
        return tls;
    }

    private static byte[] Frame(byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        return frame;
    }

    /// <summary>RFC 7541: :method GET and :scheme https from the static table, :authority and :path as plain text beside their names.</summary>
    private static byte[] Head(string target)
    {
        List<byte> head = [0x82, 0x87, 0x01, 9, .. "localhost"u8, 0x04];
        // An integer of seven bits and what goes beyond in further ones.
        var length = target.Length;
        if (length < 127)
        {
            head.Add((byte)length);
        }
        else
        {
            head.Add(127);
            for (length -= 127; length >= 128; length >>= 7)
                head.Add((byte)(length & 127 | 128));
            head.Add((byte)length);
        }
        head.AddRange(Encoding.ASCII.GetBytes(target));
        return [.. head];
    }

    private static async Task HearAsync(SslStream tls, int answers)
    {
        var head = new byte[9];
        var payload = new byte[1 << 14];
        var ended = 0;
        // A window of 64 KiB is all that the large film gets: its answer is left half-way, which must not be new to the server either.
        for (var heard = 0; ended < answers && heard < 60_000;)
        {
            await tls.ReadExactlyAsync(head);
            var length = BinaryPrimitives.ReadInt32BigEndian(head) >>> 8;
            await tls.ReadExactlyAsync(payload.AsMemory(0, length));
            if (head[3] == GoAwayFrame)
                return;
            if (head[3] == DataFrame)
                heard += length;
            if (head[3] is DataFrame or HeadersFrame && (head[4] & EndStream) != 0 || head[3] == ResetFrame)
                ended++;
        }
    }
}
