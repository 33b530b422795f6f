using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using XLive.Server.Tests.Tls;

namespace XLive.Server.Tests.Origin;

/// <summary>An origin that speaks HTTP/2 over TLS frame by frame (RFC 9113), and what is wrong as well.</summary>
internal sealed class Http2Origin : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly X509Certificate2 _certificate;
    private readonly Action<int, Frames> _answer;
    private int _asked;
    private int _connections;

    /// <param name="answer">Given each request's number, from 0 on, and its stream.</param>
    public Http2Origin(Action<int, Frames> answer)
    {
        _answer = answer;
        var pair = TestAuthority.SelfSigned();
        _certificate = X509Certificate2.CreateFromPem(pair.Certificate, pair.Key);
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public string Url => $"https://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public int Asked => Volatile.Read(ref _asked);

    public int Connections => Volatile.Read(ref _connections);

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                Interlocked.Increment(ref _connections);
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            using var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            tls.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificate = _certificate, ApplicationProtocols = [SslApplicationProtocol.Http2] });
            tls.ReadExactly(new byte["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".Length]);
            Frames.Write(tls, 4, 0, 0, []);
            var head = new byte[9];
            while (true)
            {
                tls.ReadExactly(head);
                var length = head[0] << 16 | head[1] << 8 | head[2];
                var payload = new byte[length];
                tls.ReadExactly(payload);
                var stream = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5));
                if (head[3] == 4 && (head[4] & 1) == 0)
                    Frames.Write(tls, 4, 1, 0, []);
                if (head[3] == 6 && (head[4] & 1) == 0)
                    Frames.Write(tls, 6, 1, 0, payload);
                if (head[3] == 1)
                    _answer(Interlocked.Increment(ref _asked) - 1, new Frames(tls, socket, stream));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The client went, or the script closed it.
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _certificate.Dispose();
    }

    internal sealed class Frames(SslStream tls, Socket socket, int stream)
    {
        // Of the static table (RFC 7541, appendix A).
        public const byte Status200 = 0x88;
        public const byte Status206 = 0x8A;

        public Frames Headers(byte status, params string[] lines)
        {
            var block = new MemoryStream();
            block.WriteByte(status);
            foreach (var line in lines)
            {
                var parts = line.Split(": ", 2);
                block.WriteByte(0);
                foreach (var part in parts)
                {
                    block.WriteByte((byte)part.Length);
                    block.Write(Encoding.ASCII.GetBytes(part));
                }
            }
            return Write(1, 4, block.ToArray());
        }

        public Frames Data(ReadOnlySpan<byte> bytes, bool end = false)
        {
            while (bytes.Length > 16_384)
            {
                Write(0, 0, bytes[..16_384]);
                bytes = bytes[16_384..];
            }
            return Write(0, (byte)(end ? 1 : 0), bytes);
        }

        public Frames ResetStream(int code = 2) => Write(3, 0, Word(code));

        public Frames GoAway(int last, int code = 0)
        {
            Write(tls, 7, 0, 0, [.. Word(last), .. Word(code)]);
            return this;
        }

        public void Cut()
        {
            socket.LingerState = new LingerOption(true, 0);
            socket.Close();
        }

        public static void Write(SslStream tls, byte type, byte flags, int stream, ReadOnlySpan<byte> payload)
        {
            var frame = new byte[9 + payload.Length];
            (frame[0], frame[1], frame[2], frame[3], frame[4]) = ((byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, type, flags);
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
            payload.CopyTo(frame.AsSpan(9));
            tls.Write(frame);
        }

        private Frames Write(byte type, byte flags, ReadOnlySpan<byte> payload)
        {
            Write(tls, type, flags, stream, payload);
            return this;
        }

        private static byte[] Word(int value)
        {
            var word = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(word, value);
            return word;
        }
    }
}
