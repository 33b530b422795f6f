using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Win32.SafeHandles;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// The one way out for bodies. In clear HTTP/1.1 a body goes from memory or from the file straight to the socket; through TLS and
/// HTTP/2 it is copied in pieces, with the viewer's own pace as the brake.
/// </summary>
internal static class Sender
{
    // Kestrel counts an announced body in an int; the phantom memory is as large.
    private const long MaxAnnounced = 1 << 30;

    // Large enough that a lane hop a piece is lost in the copy, small enough that 5,000 slow TLS viewers fit into memory.
    private const int CopySize = 128 * 1024;

    /// <summary>The response's head must have been started, and its Content-Length must cover the body.</summary>
    public static ValueTask<SendEnd> SendAsync(IHttpResponseBodyFeature response, SocketOutput? output, in Body body, Meter? meter)
    {
        if (body.Length == 0)
            return new(SendEnd.Done);
        if (output is null || body.File is { Sendfile: false })
            return CopyAsync(response, output, body, meter);
        if (body.Length > MaxAnnounced)
            return AnnounceManyAsync(response, output, body, meter);
        var sent = Announce(response.Writer, output, body, meter);
        return sent.IsCompletedSuccessfully ? new(EndOf(sent.Result, output)) : Await(sent, output);
    }

    private static ValueTask<FlushResult> Announce(PipeWriter writer, SocketOutput output, in Body body, Meter? meter)
    {
        output.Announce(body, meter);
        writer.GetMemory(1);
        writer.Advance((int)body.Length);
        var flush = writer.FlushAsync();
        // Only a head that did not fit waits here; the body's own wait is the output's.
        if (!flush.IsCompletedSuccessfully)
            return AfterFlush(flush, output);
        _ = flush.Result;
        return output.BodySentAsync();
    }

    private static async ValueTask<FlushResult> AfterFlush(ValueTask<FlushResult> flush, SocketOutput output)
    {
        await flush;
        return await output.BodySentAsync();
    }

    private static async ValueTask<SendEnd> Await(ValueTask<FlushResult> sent, SocketOutput output) => EndOf(await sent, output);

    // Kestrel drops what is written after it has given a connection up: nothing of it reached the output, whose End then says nothing.
    private static SendEnd EndOf(FlushResult sent, SocketOutput output) =>
        output.End == SendEnd.Done && sent.IsCompleted ? SendEnd.ViewerLeft : output.End;

    private static async ValueTask<SendEnd> AnnounceManyAsync(IHttpResponseBodyFeature response, SocketOutput output, Body body, Meter? meter)
    {
        var end = SendEnd.Done;
        for (long done = 0; done < body.Length && end == SendEnd.Done; done += MaxAnnounced)
            end = EndOf(await Announce(response.Writer, output, body.Slice(done, Math.Min(MaxAnnounced, body.Length - done)), meter), output);
        return end;
    }

    private static async ValueTask<SendEnd> CopyAsync(IHttpResponseBodyFeature response, SocketOutput? output, Body body, Meter? meter)
    {
        if (body.File is null)
            return await CopyMemoryAsync(response, body.Memory, meter);
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(CopySize, body.Length));
        var read = new LaneRead();
        try
        {
            for (long done = 0; done < body.Length;)
            {
                var wanted = (int)Math.Min(buffer.Length, body.Length - done);
                int got;
                try
                {
                    got = await read.ReadAsync(body.File, buffer.AsMemory(0, wanted), body.Offset + done);
                }
                catch (IOException)
                {
                    return SendEnd.SourceFailed;
                }
                if (got == 0)
                    return SendEnd.Truncated;
                var piece = buffer.AsMemory(0, got);
                var end = output is null
                    ? await CopyMemoryAsync(response, piece, meter)
                    : await SendAsync(response, output, Body.Of(piece), meter);
                if (end != SendEnd.Done)
                    return end;
                done += got;
            }
            return SendEnd.Done;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask<SendEnd> CopyMemoryAsync(IHttpResponseBodyFeature response, ReadOnlyMemory<byte> memory, Meter? meter)
    {
        while (memory.Length > 0)
        {
            var piece = memory[..Math.Min(memory.Length, CopySize)];
            var flushed = await response.Writer.WriteAsync(piece);
            if (flushed.IsCompleted)
                return SendEnd.ViewerLeft;
            meter?.Add(piece.Length);
            memory = memory[piece.Length..];
        }
        return SendEnd.Done;
    }

    /// <summary>A read that waits on a lane instead of on the caller's thread; one at a time, used again and again.</summary>
    private sealed class LaneRead : IFileWork, IValueTaskSource<int>
    {
        private ManualResetValueTaskSourceCore<int> _done = new() { RunContinuationsAsynchronously = true };
        private SafeFileHandle? _file;
        private Memory<byte> _into;
        private long _offset;

        public ValueTask<int> ReadAsync(SendableFile file, Memory<byte> into, long offset)
        {
            _done.Reset();
            (_file, _into, _offset) = (file.Handle, into, offset);
            var task = new ValueTask<int>(this, _done.Version);
            file.Lane.Enqueue(this);
            return task;
        }

        void IFileWork.Run()
        {
            try
            {
                _done.SetResult(RandomAccess.Read(_file!, _into.Span, _offset));
            }
            catch (Exception e)
            {
                _done.SetException(e as IOException ?? new IOException("read failed", e));
            }
        }

        public int GetResult(short token) => _done.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _done.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _done.OnCompleted(continuation, state, token, flags);
    }
}
