using System.Net;
using System.Net.Sockets;
using System.Text;

namespace XLive.Fuzz.Forgery;

/// <summary>The same forgeries over sockets, many in flight on one connection, to a server that runs: what it answers to each, in order.</summary>
public sealed class ForgedRequests(IPEndPoint server) : IDisposable
{
    private const int Timeout = 20_000;

    private readonly byte[] _buffer = new byte[64 << 10];
    private Socket? _socket;
    private int _from;
    private int _to;

    /// <summary>Kestrel answers 400 and closes where a request line is none: then the rest is sent again on a new connection.</summary>
    public int[] Ask(IReadOnlyList<string> targets)
    {
        var statuses = new List<int>(targets.Count);
        while (statuses.Count < targets.Count)
        {
            var answered = statuses.Count;
            // The last answer of the batch before may have been the connection's last.
            var isNew = _socket is null;
            try
            {
                _socket ??= Connect();
                SendFrom(targets, answered);
                while (statuses.Count < targets.Count)
                    statuses.Add(ReadStatus());
            }
            catch (Exception e) when (e is EndOfStreamException || (e is SocketException && (statuses.Count > answered || !isNew)))
            {
                if (statuses.Count == answered && isNew)
                    throw new InvalidOperationException("closed without an answer to " + targets[answered], e);
                Close();
            }
        }
        return [.. statuses];
    }

    private Socket Connect()
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = Timeout, SendTimeout = Timeout };
        socket.Connect(server);
        return socket;
    }

    /// <summary>HEAD: who may is asked all the same, and no body stands between two heads.</summary>
    private void SendFrom(IReadOnlyList<string> targets, int first)
    {
        var text = new StringBuilder();
        for (var i = first; i < targets.Count; i++)
            text.Append("HEAD ").Append(targets[i]).Append(" HTTP/1.1\r\nHost: test\r\n\r\n");
        var bytes = Encoding.Latin1.GetBytes(text.ToString());
        for (var sent = 0; sent < bytes.Length;)
            sent += _socket!.Send(bytes, sent, bytes.Length - sent, SocketFlags.None);
    }

    private int ReadStatus()
    {
        while (true)
        {
            var end = _buffer.AsSpan(_from, _to - _from).IndexOf("\r\n\r\n"u8);
            if (end >= 0)
            {
                var status = int.Parse(Encoding.ASCII.GetString(_buffer, _from + 9, 3), System.Globalization.CultureInfo.InvariantCulture);
                _from += end + 4;
                return status;
            }
            Buffer.BlockCopy(_buffer, _from, _buffer, 0, _to - _from);
            (_from, _to) = (0, _to - _from);
            var read = _socket!.Receive(_buffer, _to, _buffer.Length - _to, SocketFlags.None);
            _to += read > 0 ? read : throw new EndOfStreamException();
        }
    }

    /// <summary>What a client can write into a request line at all.</summary>
    public static bool CanBeSent(string target) => target.StartsWith('/') && !target.AsSpan().ContainsAnyExceptInRange('!', '~');

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
        _from = _to = 0;
    }

    public void Dispose() => Close();
}
