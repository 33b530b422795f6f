using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace XLive.EndToEnd.Harness;

/// <summary>Viewers that take a file slowly, each over a connection of its own, so that their transfers are under way when something happens.</summary>
public sealed class PacedViewers : IDisposable
{
    readonly List<Socket> _sockets = [];
    readonly byte[] _digest;
    readonly int _length;

    public PacedViewers(byte[] file) => (_digest, _length) = (SHA256.HashData(file), file.Length);

    /// <summary>How a transfer ended: whole, cut with a reset, or with an end that could pass for the right one.</summary>
    public enum Ending { Whole, Reset, Short, WrongBytes }

    /// <summary>Connects them and has each read its response's first bytes; from then on all are under way.</summary>
    public async Task Begin(int port, string pathAndQuery, int count, CancellationToken stop)
    {
        var request = Encoding.ASCII.GetBytes($"GET {pathAndQuery} HTTP/1.1\r\nHost: x\r\n\r\n");
        for (var i = 0; i < count; i++)
        {
            // Before the connection, or the window is already told.
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
            _sockets.Add(socket);
            await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), stop);
            await socket.SendAsync(request, stop);
        }
        var head = new byte[1];
        foreach (var socket in _sockets)
        {
            await socket.ReceiveAsync(head, SocketFlags.Peek, stop);
        }
    }

    /// <summary>All read on, at most so fast each, to the end.</summary>
    public async Task<Ending[]> Finish(int bytesPerSecond, CancellationToken stop) =>
        await Task.WhenAll(_sockets.Select(socket => Read(socket, bytesPerSecond, stop)));

    async Task<Ending> Read(Socket socket, int bytesPerSecond, CancellationToken stop)
    {
        await Task.Yield();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[Math.Clamp(bytesPerSecond / 10, 1024, 64 << 10)];
        var head = 0;
        var got = 0;
        try
        {
            while (got < _length)
            {
                var n = await socket.ReceiveAsync(buffer, stop);
                if (n == 0)
                {
                    return Ending.Short;
                }
                var body = buffer.AsMemory(0, n);
                for (; head < 4 && body.Length > 0; body = body[1..])
                {
                    head = body.Span[0] == "\r\n\r\n"u8[head] ? head + 1 : body.Span[0] == '\r' ? 1 : 0;
                }
                hash.AppendData(body.Span);
                got += body.Length;
                await Task.Delay(TimeSpan.FromSeconds((double)n / bytesPerSecond), stop);
            }
        }
        catch (SocketException)
        {
            return Ending.Reset;
        }
        return hash.GetHashAndReset().AsSpan().SequenceEqual(_digest) ? Ending.Whole : Ending.WrongBytes;
    }

    public void Dispose() => _sockets.ForEach(s => s.Dispose());
}
