using System.Buffers;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Cache;

// A part of an object as an origin, or the disk, gives it.
internal sealed partial class BlockFetcher
{
    // Small enough that a thousand viewers for whom there is no block fit into what one core's socket buffers take, and at the usual
    // 64 KiB/s a second's worth.
    private const int WindowSize = 64 * 1024;

    /// <summary>For one viewer, and kept nowhere.</summary>
    public async ValueTask<BodyPiece> WindowAsync(StoredObject of, long offset, long most)
    {
        figures.Window();
        if (disk is not null && of.Place is { } place && await disk.ReadPieceAsync(of, place, offset, most) is { } onDisk)
            return onDisk;
        var length = (int)Math.Min(Math.Min(most, WindowSize), of.Length - offset);
        try
        {
            await using var reply = await OpenPartAsync(of, offset, length);
            return await ReadPieceAsync(reply, length);
        }
        catch (OriginException e)
        {
            if (e.Fault == OriginFault.Changed)
                of.Leave();
            throw new IOException(e.Message, e);
        }
    }

    // The memory is taken when the origin has answered, not for as long as a thousand others are asked for first: those were 50 MiB.
    private static async ValueTask<BodyPiece> ReadPieceAsync(OriginReply reply, int length)
    {
        var piece = new NativePiece(length);
        try
        {
            for (var done = 0; done < length;)
            {
                var got = await reply.ReadAsync(piece.Memory[done..length], CancellationToken.None);
                if (got == 0)
                    throw new OriginException(OriginFault.BrokenOff, "the body ended before its length");
                done += got;
            }
            return new BodyPiece(piece.Memory[..length], piece);
        }
        catch
        {
            piece.Release();
            throw;
        }
    }

    private static OriginRequest Part(StoredObject of, long first, long length) =>
        new(of.Path, of.Query, OriginKind.Media) { First = first, Last = first + length - 1, IfMatchTag = of.Head.StrongTag, Headers = of.SentHeaders };

    private async ValueTask<OriginReply> OpenPartAsync(StoredObject of, long first, long length)
    {
        var reply = await origins.OpenAsync(Part(of, first, length), CancellationToken.None);
        try
        {
            // The body of an error is as long as the block, or longer, where the block is the end of a film.
            if (reply.Status is not (StatusCodes.Status200OK or StatusCodes.Status206PartialContent))
                throw new OriginException(reply.Status < 500 ? OriginFault.Changed : OriginFault.BadAnswer, $"status {reply.Status} for a part of what was there");
            await SkipToAsync(reply, first);
            return reply;
        }
        catch
        {
            await reply.DisposeAsync();
            throw;
        }
    }

    // An origin without ranges answers with all of it.
    private static async ValueTask SkipToAsync(OriginReply reply, long first)
    {
        using var bin = new Discard();
        for (var at = reply.First; at < first;)
        {
            var got = await reply.ReadAsync(bin.Memory[..(int)Math.Min(first - at, bin.Memory.Length)], CancellationToken.None);
            if (got == 0)
                throw new OriginException(OriginFault.BrokenOff, "the body ended before the part that was asked for");
            at += got;
        }
    }

    private sealed class Discard : IDisposable
    {
        private readonly byte[] _bytes = ArrayPool<byte>.Shared.Rent(64 * 1024);

        public Memory<byte> Memory => _bytes;

        public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
    }

    // The connection goes back to the pool when its end was read, and an answer that goes on is a lie about all of it.
    private static async ValueTask ExpectEndAsync(StoredObject of, OriginReply reply)
    {
        using var bin = new Discard();
        try
        {
            if (await reply.ReadAsync(bin.Memory, CancellationToken.None) > 0)
                of.Leave();
        }
        catch (OriginException)
        {
            of.Leave();
        }
    }
}
