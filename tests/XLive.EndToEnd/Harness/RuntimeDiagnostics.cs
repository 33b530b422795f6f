using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// The port that the runtime keeps for its own tools: a trace of one that is asked with GCHeapCollect begins with a whole, blocking collection. What a process
/// holds after it is what it holds; before it nobody knows, for an idle one collects nothing.
/// </summary>
public static class RuntimeDiagnostics
{
    const byte EventPipe = 2, StopTracing = 1, CollectTracing2 = 3;
    const ulong HeapCollect = 0x800000;

    public static async Task Collect(int process, CancellationToken stop)
    {
        // One who was killed leaves his behind, and his number may come again; the time of the start is in the name too, in ticks.
        var port = Directory.GetFiles(Path.GetTempPath(), $"dotnet-diagnostic-{process}-*-socket").MaxBy(File.GetLastWriteTimeUtc)!;
        using var trace = await Connect(port, stop);
        using var wanted = new MemoryStream();
        using (var write = new BinaryWriter(wanted, Encoding.Unicode))
        {
            write.Write(1u); // MiB of buffer
            write.Write(1u); // nettrace
            write.Write((byte)0); // no rundown
            write.Write(1u); // provider
            write.Write(HeapCollect);
            write.Write(4u); // informational
            const string provider = "Microsoft-Windows-DotNETRuntime\0";
            write.Write((uint)provider.Length);
            write.Write(provider.AsSpan());
            write.Write(0u); // no filter
            write.Flush();
            await trace.SendAsync(Command(CollectTracing2, wanted.ToArray()), stop);
        }
        var answer = new byte[28];
        for (var read = 0; read < answer.Length;)
        {
            var length = await trace.ReceiveAsync(answer.AsMemory(read), stop);
            Assert.True(length > 0, "the diagnostics port closed");
            read += length;
        }
        Assert.Equal(0, answer[17]); // taken
        using var end = await Connect(port, stop);
        await end.SendAsync(Command(StopTracing, answer[20..]), stop);
        var rest = new byte[64 << 10];
        while (await trace.ReceiveAsync(rest, stop) > 0)
        {
        }
    }

    static async Task<Socket> Connect(string port, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(port), stop);
        return socket;
    }

    static byte[] Command(byte command, byte[] payload)
    {
        var bytes = new byte[20 + payload.Length];
        "DOTNET_IPC_V1\0"u8.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(14), (ushort)bytes.Length);
        (bytes[16], bytes[17]) = (EventPipe, command);
        payload.CopyTo(bytes, 20);
        return bytes;
    }
}
