using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// The one way out for bodies. In HTTP/1.1 the connection's output sends them; through HTTP/2 they are copied in pieces, with the
/// viewer's own pace as the brake.
/// </summary>
internal static class Sender
{
    // Kestrel counts an announced body in an int; the phantom memory is as large.
    private const long MaxAnnounced = 1 << 30;

    // Large enough that a lane hop a piece is lost in the copy, small enough that thousands of slow streams fit into memory.
    private const int CopySize = 128 * 1024;

    // A stream of HTTP/2 holds its piece for as long as its viewer gives no window, and a hundred streams cost a stranger 3 KB to open.
    // So pieces begin as small as Kestrel's own buffer and double: nobody makes us hold more than he has taken before (CVE-2019-9517).
    private const int FirstPiece = 4 * 1024;

    /// <summary>The response's head must have been started, and its Content-Length must cover the body.</summary>
    public static ValueTask<Sent> SendAsync(IHttpResponseBodyFeature response, BodyOutput output, in Body body, Meter? meter)
    {
        if (body.Length == 0)
            return new(new Sent(SendEnd.Done, 0));
        if (body.Source is not null)
            return SendSourceAsync(response, output, null, body, body.Source, meter);
        if (!output.CanSend(body))
            return CopyAsync(response, output, body, meter);
        if (body.Length > MaxAnnounced)
            return AnnounceManyAsync(response, output, body, meter);
        var before = output.BodySent;
        var flushed = Announce(response.Writer, output, body, meter);
        return flushed.IsCompletedSuccessfully ? new(EndOf(flushed.Result, output, before)) : Await(flushed, output, before);
    }

    private static ValueTask<FlushResult> Announce(PipeWriter writer, BodyOutput output, in Body body, Meter? meter)
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

    private static async ValueTask<FlushResult> AfterFlush(ValueTask<FlushResult> flush, BodyOutput output)
    {
        await flush;
        return await output.BodySentAsync();
    }

    private static async ValueTask<Sent> Await(ValueTask<FlushResult> flushed, BodyOutput output, long before) =>
        EndOf(await flushed, output, before);

    // Kestrel drops what is written after it has given a connection up: nothing of it reached the output, whose End then says nothing.
    private static Sent EndOf(FlushResult flushed, BodyOutput output, long before) =>
        new(output.End == SendEnd.Done && flushed.IsCompleted ? SendEnd.ViewerLeft : output.End, output.BodySent - before);

    private static async ValueTask<Sent> AnnounceManyAsync(IHttpResponseBodyFeature response, BodyOutput output, Body body, Meter? meter)
    {
        var before = output.BodySent;
        var sent = new Sent(SendEnd.Done, 0);
        for (long done = 0; done < body.Length && sent.End == SendEnd.Done; done += MaxAnnounced)
        {
            var piece = body.Slice(done, Math.Min(MaxAnnounced, body.Length - done));
            sent = EndOf(await Announce(response.Writer, output, piece, meter), output, before);
        }
        return sent;
    }

    private static async ValueTask<Sent> CopyFileAsync(IHttpResponseBodyFeature response, StreamBody? stream, Body body, SendableFile file)
    {
        var read = new LaneRead();
        var most = FirstPiece;
        for (long done = 0; done < body.Length;)
        {
            var wanted = (int)await AllowedAsync(stream?.Meter, stream?.Paces, Math.Min(most, body.Length - done));
            var buffer = ArrayPool<byte>.Shared.Rent(wanted);
            int got;
            try
            {
                got = await read.ReadAsync(file, buffer.AsMemory(0, wanted), body.Offset + done);
                response.Writer.Write(buffer.AsSpan(0, got));
            }
            catch (IOException)
            {
                return new Sent(SendEnd.SourceFailed, done);
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
            if (got == 0)
                return new Sent(SendEnd.Truncated, done);
            var flushed = await response.Writer.FlushAsync();
            done += got;
            if (EndOf(flushed, stream) is var end and not SendEnd.Done)
                return new Sent(end, done);
            most = Math.Min(most * 2, CopySize);
        }
        return new Sent(SendEnd.Done, body.Length);
    }

    private static async ValueTask<Sent> CopyMemoryAsync(IHttpResponseBodyFeature response, StreamBody? stream, ReadOnlyMemory<byte> memory)
    {
        var most = FirstPiece;
        for (var done = 0; done < memory.Length; most = Math.Min(most * 2, CopySize))
        {
            var piece = memory.Slice(done, (int)await AllowedAsync(stream?.Meter, stream?.Paces, Math.Min(memory.Length - done, most)));
            var flushed = await response.Writer.WriteAsync(piece);
            done += piece.Length;
            if (EndOf(flushed, stream) is var end and not SendEnd.Done)
                return new Sent(end, done);
        }
        return new Sent(SendEnd.Done, memory.Length);
    }

    private static SendEnd EndOf(FlushResult flushed, StreamBody? stream)
    {
        if (stream is { WasCut: true } or { Meter.IsStopped: true })
            return SendEnd.Stopped;
        return flushed.IsCompleted ? SendEnd.ViewerLeft : SendEnd.Done;
    }

    /// <summary>As many of these bytes as the viewer's rates let go, when they do.</summary>
    internal static ValueTask<long> AllowedAsync(Meter? meter, SharedPaces? paces, long wanted) =>
        meter is null || (meter.Pace is null && paces is null) ? new(wanted) : WaitAsync(meter, paces, wanted);

    private static async ValueTask<long> WaitAsync(Meter meter, SharedPaces? paces, long wanted)
    {
        var passage = new Passage();
        while (!meter.IsStopped)
        {
            var allowed = passage.Take(meter, paces?.Current ?? [], wanted, out var wait);
            if (allowed > 0)
                return allowed;
            await Task.Delay(wait);
        }
        passage.Leave(meter, paces?.Current ?? []);
        return wanted;
    }

    /// <summary>In HTTP/2, where the connection's output charges what Kestrel has framed.</summary>
    public static ValueTask<Sent> SendAsync(IHttpResponseBodyFeature response, StreamBody? stream, in Body body) =>
        body.Source is not null ? SendSourceAsync(response, null, stream, body, body.Source, null)
        : body.File is not null ? CopyFileAsync(response, stream, body, body.File)
        : CopyMemoryAsync(response, stream, body.Memory);

    private static async ValueTask<Sent> SendSourceAsync(IHttpResponseBodyFeature response, BodyOutput? output, StreamBody? stream, Body body, BodySource source, Meter? meter)
    {
        for (long done = 0; done < body.Length;)
        {
            if (done > 0 && output is not null && (await output.RoomAsync(meter)).IsCompleted)
                return new Sent(output.End == SendEnd.Done ? SendEnd.ViewerLeft : output.End, done);
            BodyPiece piece;
            try
            {
                piece = await source.ReadAsync(body.Offset + done, body.Length - done);
            }
            catch (IOException)
            {
                return new Sent(SendEnd.SourceFailed, done);
            }
            try
            {
                var bytes = Body.Of(piece, body.Kind);
                var sent = output is not null ? await SendAsync(response, output, bytes, meter) : await CopyMemoryAsync(response, stream, bytes.Memory);
                if (sent.End != SendEnd.Done)
                    return new Sent(sent.End, done + sent.Bytes);
                // Not by what was sent: of a viewer who leaves just now that has become less, and the body would go on within what was announced.
                done += bytes.Length;
            }
            finally
            {
                piece.Owner.Release();
            }
        }
        return new Sent(SendEnd.Done, body.Length);
    }

    private static async ValueTask<Sent> CopyAsync(IHttpResponseBodyFeature response, BodyOutput output, Body body, Meter? meter)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(CopySize, body.Length));
        var read = new LaneRead();
        long done = 0;
        try
        {
            while (done < body.Length)
            {
                var wanted = (int)Math.Min(buffer.Length, body.Length - done);
                int got;
                try
                {
                    got = await read.ReadAsync(body.File!, buffer.AsMemory(0, wanted), body.Offset + done);
                }
                catch (IOException)
                {
                    return new Sent(SendEnd.SourceFailed, done);
                }
                if (got == 0)
                    return new Sent(SendEnd.Truncated, done);
                var sent = await SendAsync(response, output, Body.Of(buffer.AsMemory(0, got), body.Kind), meter);
                if (sent.End != SendEnd.Done)
                    return new Sent(sent.End, done + sent.Bytes);
                done += got;
            }
            return new Sent(SendEnd.Done, done);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

/// <summary>How a send ended, and how many of the body's bytes had left by then.</summary>
internal readonly record struct Sent(SendEnd End, long Bytes);
