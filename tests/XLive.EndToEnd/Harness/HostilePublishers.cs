using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using XLive.Fuzz.Engine;
using XLive.Fuzz.Inputs;
using XLive.Media;
using XLive.Media.Tests;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// Publishers of no good will, each kind on a thread of its own and without a pause: damaged handshakes, damaged sessions, damaged media behind a right beginning,
/// right media as fast as it goes, and connections that stop anywhere.
/// </summary>
public sealed class HostilePublishers(int port, ulong seed) : IDisposable
{
    const int Prepared = 400, Stalled = 100;

    static readonly byte[] Handshake = [3, .. new byte[1536], .. new byte[1536]];

    readonly CancellationTokenSource _end = new();
    readonly List<Thread> _threads = [];
    int _connections;
    long _bytes;

    public int Connections => Volatile.Read(ref _connections);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Connections} hostile connections with {_bytes >> 20} MiB");

    public void Begin()
    {
        // Made before anybody is timed.
        var handshakes = Inputs(new HandshakeFuzzer(), static bytes => bytes);
        var sessions = Inputs(new RtmpSessionFuzzer(), static bytes => [.. Handshake, .. bytes]);
        var chunks = Inputs(new ChunkFuzzer(), static bytes => [.. Handshake, .. bytes]);
        var media = Media();
        var damaged = Enumerable.Range(0, Prepared).Select(i => Damage(media, i)).ToList();
        Begin(i => Say(handshakes[i % Prepared]));
        Begin(i => Say((i % 2 == 0 ? sessions : chunks)[i / 2 % Prepared]));
        Begin(i => Publish("damaged", damaged[i % Prepared], times: 1));
        Begin(_ => Publish("flood", media, times: 500));
        Begin(Stall);
    }

    /// <summary>All of them stop, with their connections.</summary>
    public void End()
    {
        _end.Cancel();
        _threads.ForEach(static t => t.Join());
    }

    List<byte[]> Inputs(Fuzzer fuzzer, Func<byte[], byte[]> whole)
    {
        var inputs = Enumerable.Range(0, Prepared).Select(i => whole(Fuzzer.Bytes(fuzzer.Make(seed, i)))).ToList();
        (fuzzer as IDisposable)?.Dispose();
        return inputs;
    }

    static byte[] Media()
    {
        var output = new ArrayBufferWriter<byte>();
        RtmpEncoder.Write(output, SyntheticStream.Video);
        RtmpEncoder.Write(output, SyntheticStream.Aac);
        foreach (var frame in new SyntheticStream { Random = new Random(7), Seconds = 2 }.Frames())
        {
            RtmpEncoder.Write(output, frame);
        }
        return output.WrittenSpan.ToArray();
    }

    // In one place, so that what is behind it is still read, or in some.
    byte[] Damage(byte[] media, int index)
    {
        var dice = Dice.For("hostile", seed, index);
        var at = dice.Below(media.Length - 4096);
        var text = Mutator.Mutate(Fuzzer.Latin(media.AsSpan(at, 4096)), dice, ["\x06\0\0\0", "\xff\xff\xff", "\x17\0\0\0\0", "\xaf\0", "\0\0\0\0", "\xc6"], Fuzzer.Latin(media.AsSpan(0, 200)));
        return [.. media.AsSpan(0, at), .. Fuzzer.Bytes(text), .. media.AsSpan(at + 4096)];
    }

    void Begin(Action<int> turn)
    {
        var thread = new Thread(() =>
        {
            for (var i = 0; !_end.IsCancellationRequested; i++)
            {
                try
                {
                    _ = Interlocked.Increment(ref _connections);
                    turn(i);
                }
                catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
                {
                    // Refused, cut, or the end of it all.
                }
            }
        }) { IsBackground = true };
        _threads.Add(thread);
        thread.Start();
    }

    Socket Connect()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { SendTimeout = 2000, ReceiveTimeout = 2000 };
        socket.Connect(IPAddress.Loopback, port);
        return socket;
    }

    void Say(byte[] bytes)
    {
        using var socket = Connect();
        _ = Interlocked.Add(ref _bytes, socket.Send(bytes));
        socket.Shutdown(SocketShutdown.Send);
        var answer = new byte[4096];
        // Some hear it out, and some are gone before the answer.
        while (bytes.Length % 2 == 0 && socket.Receive(answer) > 0)
        {
        }
    }

    void Publish(string name, byte[] media, int times)
    {
        using var encoder = RtmpEncoder.Begin(port, name, _end.Token).GetAwaiter().GetResult();
        for (; times > 0 && !_end.IsCancellationRequested; times--)
        {
            _ = Interlocked.Add(ref _bytes, encoder.Send(media, _end.Token).AsTask().GetAwaiter().GetResult());
        }
        encoder.Drop();
    }

    void Stall(int i)
    {
        var dice = Dice.For("stalled", seed, i);
        var open = new List<Socket>();
        try
        {
            while (!_end.IsCancellationRequested && open.Count < Stalled)
            {
                open.Add(Connect());
                _ = Interlocked.Increment(ref _connections);
                open[^1].Send(Handshake.AsSpan(0, dice.Below(Handshake.Length)));
            }
            _end.Token.WaitHandle.WaitOne();
        }
        finally
        {
            open.ForEach(static s => s.Dispose());
        }
    }

    public void Dispose()
    {
        End();
        _end.Dispose();
    }
}
