using System.Buffers;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>A reply read to its end: what must be understood before it is answered with, or has no length of its own.</summary>
internal sealed class WholeBody : IDisposable
{
    private const int FirstSize = 16 * 1024;

    // hls.js waits 20 s for a playlist (maxLoadTimeMs), and backend.idle_timeout alone lets a byte now and then go on for ever.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly WholeBodies _all;
    private byte[] _bytes;

    private WholeBody(WholeBodies all, int size) => (_all, _bytes) = (all, Rent(all, size));

    public int Length { get; private set; }
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    public static async ValueTask<WholeBody> ReadAsync(OriginReply reply, long most, WholeBodies all, TimeProvider clock)
    {
        if (reply.Length > most)
            throw new OriginException(OriginFault.BadAnswer, $"{reply.Length} bytes, where no more than {most} can be read at once");
        // One byte more than is said: the read that finds the end needs room.
        var body = new WholeBody(all, reply.Length >= 0 ? (int)reply.Length + 1 : FirstSize);
        using var late = new CancellationTokenSource(Patience, clock);
        try
        {
            while (true)
            {
                if (body.Length == body._bytes.Length)
                    body.Grow(most);
                var got = await reply.ReadAsync(body._bytes.AsMemory(body.Length), late.Token);
                if (got == 0)
                    return body;
                body.Length += got;
                if (body.Length > most)
                    throw new OriginException(OriginFault.BadAnswer, $"a body without a length, and longer than {most} bytes");
            }
        }
        catch (Exception e)
        {
            body.Dispose();
            if (e is OperationCanceledException)
                throw new OriginException(OriginFault.TimedOut, $"a body that did not end in {Patience.TotalSeconds:0} s");
            throw;
        }
    }

    private static byte[] Rent(WholeBodies all, int size)
    {
        var bytes = ArrayPool<byte>.Shared.Rent(size);
        if (all.TryTake(bytes.Length))
            return bytes;
        ArrayPool<byte>.Shared.Return(bytes);
        throw new OriginException(OriginFault.Busy, $"as many bodies are being read whole as {all.Limit} bytes hold");
    }

    private void Grow(long most)
    {
        var larger = Rent(_all, (int)Math.Min(2L * _bytes.Length, most + 1));
        Bytes.CopyTo(larger);
        Dispose();
        _bytes = larger;
    }

    public void Dispose()
    {
        _all.Return(_bytes.Length);
        ArrayPool<byte>.Shared.Return(_bytes);
    }
}
