using System.Buffers;
using XLive.Server.Playback.Vod.Origin;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>A reply read to its end: what must be understood before it is answered with, or has no length of its own.</summary>
internal sealed class WholeBody : IDisposable
{
    private const int FirstSize = 64 * 1024;

    private byte[] _bytes;

    private WholeBody(int size) => _bytes = ArrayPool<byte>.Shared.Rent(size);

    public int Length { get; private set; }
    public ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, Length);

    public static async ValueTask<WholeBody> ReadAsync(OriginReply reply, long most)
    {
        if (reply.Length > most)
            throw new OriginException(OriginFault.BadAnswer, $"{reply.Length} bytes, where no more than {most} can be read at once");
        // One byte more than is said: the read that finds the end needs room.
        var body = new WholeBody(reply.Length >= 0 ? (int)reply.Length + 1 : FirstSize);
        try
        {
            while (true)
            {
                if (body.Length == body._bytes.Length)
                    body.Grow(most);
                var got = await reply.ReadAsync(body._bytes.AsMemory(body.Length), CancellationToken.None);
                if (got == 0)
                    return body;
                body.Length += got;
                if (body.Length > most)
                    throw new OriginException(OriginFault.BadAnswer, $"a body without a length, and longer than {most} bytes");
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    private void Grow(long most)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(2L * _bytes.Length, most + 1));
        Bytes.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}
