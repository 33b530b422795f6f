using System.Net;
using System.Net.Sockets;
using XLive.Media;
using XLive.Media.Rtmp;
using XLive.Media.Tests;

namespace XLive.Server.Tests.Live;

/// <summary>Another server with RTMP: gives a stream to who plays, notes what it is given, or refuses, as the test says.</summary>
internal sealed class ScriptedRemote : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Lock _gate = new();
    private readonly List<TcpClient> _clients = [];
    private readonly List<(RtmpMessageType Type, uint Timestamp, byte[] Payload)> _taken = [];
    private readonly List<string> _asked = [];
    private int _connections;
    private int _open;

    public ScriptedRemote()
    {
        _listener.Start();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    public int Connections => Volatile.Read(ref _connections);
    public int Open => Volatile.Read(ref _open);
    public string? Refusal { get; set; }

    /// <summary>Between its word that it begins and its first frame.</summary>
    public Action BeforeFrames { get; init; } = static () => { };

    /// <summary>So many frames, and then silence.</summary>
    public int Most { get; init; } = int.MaxValue;

    /// <summary>Names, with their queries, and whose software asked.</summary>
    public string[] Asked
    {
        get
        {
            lock (_gate)
                return [.. _asked];
        }
    }

    public (RtmpMessageType Type, uint Timestamp, byte[] Payload)[] Taken
    {
        get
        {
            lock (_gate)
                return [.. _taken];
        }
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
                Interlocked.Increment(ref _connections);
                new Thread(() => Serve(client)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(TcpClient client)
    {
        try
        {
            using (client)
                Serve(client.GetStream());
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

    private void Serve(NetworkStream stream)
    {
        var session = new RtmpServerSession(new Random(1));
        var buffer = new byte[65536];
        while (!session.IsOver)
        {
            var rest = (ReadOnlyMemory<byte>)buffer.AsMemory(0, stream.Read(buffer));
            if (rest.IsEmpty)
                return;
            while (session.Read(rest, 0, out var consumed, out var occurred))
            {
                rest = rest[consumed..];
                Take(session, occurred);
                Flush(session, stream);
                if (occurred.Kind == RtmpEventKind.PlayRequested && Refusal is null)
                {
                    Play(session, stream);
                    return;
                }
            }
            Flush(session, stream);
        }
    }

    private void Take(RtmpServerSession session, in RtmpEvent occurred)
    {
        lock (_gate)
        {
            switch (occurred.Kind)
            {
                case RtmpEventKind.ConnectRequested:
                    _asked.Add(occurred.Connect.FlashVersion);
                    session.Accept();
                    break;
                case RtmpEventKind.PublishRequested:
                    _asked.Add(occurred.Publish.Name + "?" + occurred.Publish.Query);
                    Answer(session, "NetStream.Publish.BadName");
                    break;
                case RtmpEventKind.PlayRequested:
                    _asked.Add(occurred.Play.Name + "?" + occurred.Play.Query);
                    Answer(session, "NetStream.Play.StreamNotFound");
                    break;
                case RtmpEventKind.Audio or RtmpEventKind.Video:
                    _taken.Add((occurred.Message.Type, occurred.Message.Timestamp, occurred.Message.Payload.ToArray()));
                    break;
            }
        }
    }

    private void Answer(RtmpServerSession session, string code)
    {
        if (Refusal is { } refusal)
            session.Refuse(code, refusal);
        else
            session.Accept();
    }

    private static void Flush(RtmpServerSession session, NetworkStream stream)
    {
        stream.Write(session.Output.WrittenSpan);
        session.Output.ResetWrittenCount();
    }

    private void Play(RtmpServerSession session, NetworkStream stream)
    {
        BeforeFrames();
        if (Most > 0)
            PlayFrames(session, stream);
        // It says nothing more; what it is told it has no ear for.
        while (stream.Read(new byte[4096]) > 0)
        {
        }
    }

    private void PlayFrames(RtmpServerSession session, NetworkStream stream)
    {
        Span<byte> head = stackalloc byte[XLive.Media.Flv.FlvBody.LongestHead];
        foreach (var track in (Track[])[SyntheticStream.Video, SyntheticStream.Aac])
        {
            var length = XLive.Media.Flv.FlvBody.ConfigurationHead(track, head);
            Write(session, track, 0, head[..length], track.Configuration.Span);
        }
        foreach (var frame in new SyntheticStream { Random = new Random(7), Seconds = 120, Gop = 0.4, VideoBytes = 300 }.Frames().Take(Most))
        {
            var length = XLive.Media.Flv.FlvBody.Head(frame, head);
            Write(session, frame.Track, (uint)frame.Decoded.Milliseconds, head[..length], frame.Payload.Span);
            Flush(session, stream);
            Thread.Sleep(10);
        }
    }

    private static void Write(RtmpServerSession session, Track track, uint timestamp, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body) =>
        ChunkWriter.Write(session.Output, track.IsVideo ? ChunkWriter.VideoChunks : ChunkWriter.AudioChunks, track.IsVideo ? RtmpMessageType.Video : RtmpMessageType.Audio, session.StreamId, timestamp, head, body);

    /// <summary>The cable is pulled, as far as that can be had on one machine.</summary>
    public void CutAll()
    {
        lock (_gate)
        {
            foreach (var client in _clients)
                client.Dispose();
            _clients.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        CutAll();
    }
}
