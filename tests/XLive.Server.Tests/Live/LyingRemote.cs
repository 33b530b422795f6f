using System.Net;
using System.Net.Sockets;
using XLive.Media.Amf;
using XLive.Media.Rtmp;
using XLive.Media.Tests.Rtmp;

namespace XLive.Server.Tests.Live;

/// <summary>Another server with RTMP whose every byte the test says, right or wrong, and which notes what it is told.</summary>
internal sealed class LyingRemote : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _gate = new();
    private readonly List<TcpClient> _clients = [];
    private readonly List<string> _heard = [];
    private readonly List<string> _media = [];
    private readonly Action<Peer> _lie;
    private int _connections;
    private int _open;
    private long _received;

    public LyingRemote(Action<Peer> lie)
    {
        _lie = lie;
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public string Host => $"127.0.0.1:{Port}";
    public int Connections => Volatile.Read(ref _connections);
    public int Open => Volatile.Read(ref _open);

    /// <summary>Bytes, of all connections.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>The names of all commands, and "end" where the other side closed without a reset.</summary>
    public string[] Heard
    {
        get
        {
            lock (_gate)
                return [.. _heard];
        }
    }

    /// <summary>Video and audio that came: how each begins, in hexadecimal digits.</summary>
    public string[] Media
    {
        get
        {
            lock (_gate)
                return [.. _media];
        }
    }

    private void Note(string what)
    {
        lock (_gate)
            _heard.Add(what);
    }

    private void NoteMedia(ReadOnlySpan<byte> payload)
    {
        lock (_gate)
            _media.Add(Convert.ToHexStringLower(payload[..Math.Min(5, payload.Length)]));
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var client = _listener.AcceptTcpClient();
                lock (_gate)
                    _clients.Add(client);
                Interlocked.Increment(ref _open);
                var number = Interlocked.Increment(ref _connections) - 1;
                new Thread(() => Serve(client, number)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(TcpClient client, int number)
    {
        try
        {
            using (client)
                _lie(new Peer(this, client, number));
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // It has gone, or the test is over.
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        lock (_gate)
            _clients.ForEach(static c => c.Dispose());
    }

    public static byte[] Connected => Wire.Command(0, "_result", 1, null, Status("NetConnection.Connect.Success"));
    public static byte[] Created => Wire.Command(0, "_result", 4, null, 1);

    public static byte[] Started(bool publishes) => Wire.Command(1, "onStatus", 0, null, Status(publishes ? "NetStream.Publish.Start" : "NetStream.Play.Start"));

    public static Dictionary<string, string> Status(string code, string level = "status") => new() { ["level"] = level, ["code"] = code };

    /// <summary>One connection, as the script has it. It ends with the script; <see cref="Listen"/> and <see cref="Hold"/> wait for the other side.</summary>
    internal sealed class Peer(LyingRemote home, TcpClient client, int number)
    {
        private readonly NetworkStream _stream = client.GetStream();
        private readonly ChunkReader _reader = new() { TakesMedia = true };
        private readonly byte[] _buffer = new byte[65536];
        private ReadOnlyMemory<byte> _rest;

        /// <summary>From 0 on.</summary>
        public int Number => number;

        /// <summary>Known when it has asked for it.</summary>
        public bool Publishes { get; private set; }

        public Peer Say(params byte[][] pieces)
        {
            foreach (var piece in pieces)
                _stream.Write(piece);
            return this;
        }

        public Peer Handshake()
        {
            Read(1 + ServerHandshake.PacketLength);
            Say([3, .. new byte[2 * ServerHandshake.PacketLength]]);
            Read(ServerHandshake.PacketLength);
            return this;
        }

        private void Read(int length)
        {
            _stream.ReadExactly(new byte[length]);
            Interlocked.Add(ref home._received, length);
        }

        /// <summary>Up to the command that asks for the stream.</summary>
        public Peer Ask(byte[]? connected = null)
        {
            Handshake().Hear("connect");
            Say(connected ?? Connected).Hear("createStream");
            Publishes = Say(Created).Hear("publish", "play") == "publish";
            return this;
        }

        public Peer Begin(byte[]? connected = null) => Ask(connected).Say(Started(Publishes));

        /// <returns>Which of these commands came.</returns>
        public string Hear(params string[] commands)
        {
            while (Next() is { } command)
            {
                if (commands.Contains(command))
                    return command;
            }
            throw new IOException("it has gone");
        }

        /// <summary>Until the other side ends the connection.</summary>
        public void Listen()
        {
            while (Next() is not null)
            {
            }
            home.Note("end");
        }

        /// <summary>The same, whatever it says meanwhile.</summary>
        public void Hold()
        {
            while (_stream.Read(_buffer) > 0)
            {
            }
        }

        private string? Next()
        {
            while (true)
            {
                while (_reader.Read(_rest, out var consumed, out var message))
                {
                    _rest = _rest[consumed..];
                    if (message.Type is RtmpMessageType.Video or RtmpMessageType.Audio)
                        home.NoteMedia(message.Payload.Span);
                    if (message.Type != RtmpMessageType.Command)
                        continue;
                    var command = new Amf0Reader(message.Payload.Span).Read().Text!;
                    home.Note(command);
                    return command;
                }
                var length = _stream.Read(_buffer);
                if (length == 0)
                    return null;
                Interlocked.Add(ref home._received, length);
                _rest = _buffer.AsMemory(0, length);
            }
        }

        public void Reset()
        {
            client.LingerState = new LingerOption(true, 0);
            client.Dispose();
        }
    }
}
