using System.Buffers;
using System.Net;
using System.Net.Sockets;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Media.Rtmp;

namespace XLive.EndToEnd.Harness;

/// <summary>A publisher whose frames the test makes, and who may end in any way: with a word, without one, or not at all.</summary>
public sealed class RtmpEncoder : IDisposable
{
    readonly Socket _socket;
    readonly RtmpClientSession _session;

    RtmpEncoder(Socket socket, RtmpClientSession session) => (_socket, _session) = (socket, session);

    /// <summary>Returns when the server has said that it may send.</summary>
    public static async Task<RtmpEncoder> Begin(int port, string name, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, stop);
            var session = new RtmpClientSession(new RtmpTarget("live", $"rtmp://127.0.0.1:{port}/live", name, Publishes: true), 0, Random.Shared);
            var buffer = new byte[16 << 10];
            while (true)
            {
                await socket.SendAsync(session.Output.WrittenMemory, stop);
                session.Output.ResetWrittenCount();
                var length = await socket.ReceiveAsync(buffer, stop);
                if (length == 0)
                {
                    throw new IOException($"{name}: closed before it began");
                }
                // Its only event is how it began.
                if (session.Read(buffer.AsMemory(0, length), 0, out _, out var occurred))
                {
                    return occurred.Kind == RtmpEventKind.Established ? new RtmpEncoder(socket, session) : throw new IOException($"{name}: {occurred.Kind} {occurred.Status.Code}");
                }
            }
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public ValueTask<int> Send(ReadOnlyMemory<byte> messages, CancellationToken stop) => _socket.SendAsync(messages, stop);

    /// <summary>As FMLE does; the server closes.</summary>
    public async Task Leave(CancellationToken stop)
    {
        _session.Leave();
        await _socket.SendAsync(_session.Output.WrittenMemory, stop);
        _socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[4096];
        while (await _socket.ReceiveAsync(buffer, stop) > 0)
        {
        }
    }

    /// <summary>With a reset, as a crash does.</summary>
    public void Drop()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>What the tracks are, as the server expects it before their frames.</summary>
    public static void Write(IBufferWriter<byte> output, Track track)
    {
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        var length = FlvBody.ConfigurationHead(track, head);
        Write(output, track, 0, head[..length], track.Configuration.Span);
    }

    public static void Write(IBufferWriter<byte> output, in Frame frame)
    {
        Span<byte> head = stackalloc byte[FlvBody.LongestHead];
        var length = FlvBody.Head(frame, head);
        Write(output, frame.Track, (uint)frame.Decoded.Milliseconds, head[..length], frame.Payload.Span);
    }

    // The server gives every connection's first stream the number 1.
    static void Write(IBufferWriter<byte> output, Track track, uint time, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body) =>
        ChunkWriter.Write(output, track.IsVideo ? ChunkWriter.VideoChunks : ChunkWriter.AudioChunks, track.IsVideo ? RtmpMessageType.Video : RtmpMessageType.Audio, 1, time, head, body);
}
