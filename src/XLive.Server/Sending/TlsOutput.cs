using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net.Security;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// The output of an encrypted connection: plain bytes in, TLS records gathered below, one send for several of them.
///
/// Why not Kestrel's own? It writes to SslStream in blocks of 4 KiB, so that a megabyte becomes 256 records and as many sends. Here a
/// body is encrypted from where it lies (memory) or from one read of the file, in records as large as TLS has them, and
/// nothing of it is held in clear while the viewer's socket is full.
/// </summary>
internal sealed class TlsOutput(SslStream tls, SocketOutput socket, StreamBodies? streams) : BodyOutput
{
    // RFC 8446 section 5.1: a record holds at most 2^14 bytes.
    private const int Record = 16 * 1024;

    // Header, content type and tag of TLS 1.3; TLS 1.2 with an explicit nonce takes 29.
    private const int RecordOverhead = 32;

    // What is encrypted for one send. Three records spare two of three calls, a tenth of the CPU at 1 MiB; but what a full socket does not take of
    // them is held for as long as its viewer stops, and one record fits a pooled array of 16 KiB. So the large batch is for viewers
    // who have read a body to its end, and for the first megabyte: players that stop in the middle do so in long files.
    private const int LargeBatch = 3 * Record;
    private const int SmallBatch = Record - 2 * RecordOverhead;
    private const int LargeUpTo = 1024 * 1024;

    private readonly LaneRead _read = new();
    private bool _hasReadBodies;
    private long _bodySent;

    public override long BodySent => _bodySent - socket.GivenBack;

    public override long UnflushedBytes => HeadEnd + Body.Length;

    public override bool CanSend(in Body body) => true;

    public override void Advance(int bytes)
    {
        if (Announced)
            Announced = false;
        else
            HeadEnd += bytes;
    }

    /// <summary>As in <see cref="SocketOutput.FlushAsync"/>: Kestrel does not wait for an announced body, <see cref="BodySentAsync"/> does.</summary>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        Body.Length == 0 ? PushAsync() : new(new FlushResult(false, false));

    public override ValueTask<FlushResult> BodySentAsync()
    {
        if (Announced)
        {
            // Kestrel has given the connection up and counted nothing.
            Clear();
            return new(new FlushResult(false, true));
        }
        return PushAsync();
    }

    public override ValueTask<FlushResult> RoomAsync(Meter? meter) =>
        End == SendEnd.Done ? socket.RoomAsync(meter) : new(new FlushResult(false, true));

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<FlushResult> PushAsync()
    {
        try
        {
            var headSent = 0;
            long bodyDone = 0;
            socket.Payer = Meter;
            while (End == SendEnd.Done && (headSent < HeadEnd || bodyDone < Body.Length))
            {
                // Without a body it is HTTP/2, whose frames are a little longer than a record.
                var batch = Body.Length == 0 || _hasReadBodies && bodyDone < LargeUpTo ? LargeBatch : SmallBatch;
                var ofHead = Math.Min(HeadEnd - headSent, batch);
                var ofBody = (int)Math.Min(Body.Length - bodyDone, batch - ofHead);
                if (Meter is { IsStopped: true })
                {
                    Stop(SendEnd.Stopped);
                    break;
                }
                if (ofBody > 0)
                    ofBody = (int)await Sender.AllowedAsync(Meter, Paces, ofBody);
                if (Body.File is { } file && ofBody > 0)
                    ofBody = await EncryptFileAsync(file, Head.AsMemory(headSent, ofHead), Body.Offset, bodyDone, ofBody);
                else
                    Encrypt(Head.AsMemory(headSent, ofHead), Body.Memory.Slice((int)bodyDone, ofBody));
                if (ofBody < 0)
                    break;
                Charge(Head.AsSpan(headSent, ofHead), ofBody);
                headSent += ofHead;
                bodyDone += ofBody;
                await SendAsync();
            }
            _hasReadBodies |= bodyDone > 0;
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The connection was taken down under the send.
            Stop(SendEnd.ViewerLeft);
        }
        socket.Payer = null;
        Clear();
        return new FlushResult(false, End != SendEnd.Done);
    }

    private void Charge(ReadOnlySpan<byte> head, int ofBody)
    {
        _bodySent += ofBody;
        // In HTTP/2 there is no announced body: what is flushed are frames.
        streams?.Charge(head, socket);
        if (ofBody == 0 || Meter is not { } meter)
            return;
        meter.Charge(Body.Kind, ofBody);
        socket.Carries(meter, Body.Kind, head.Length, ofBody);
    }

    private void Encrypt(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> body)
    {
        Expect(head.Length + body.Length);
        if (head.Length == 0)
        {
            Encrypt(body);
            return;
        }
        // One record for the head and the start of the body: a small response is one record.
        var first = Math.Min(body.Length, Math.Max(0, Record - head.Length));
        if (first == 0)
        {
            Encrypt(head);
        }
        else
        {
            var joined = ArrayPool<byte>.Shared.Rent(head.Length + first);
            try
            {
                head.CopyTo(joined);
                body[..first].CopyTo(joined.AsMemory(head.Length));
                Encrypt(joined.AsMemory(0, head.Length + first));
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(joined);
            }
        }
        if (first < body.Length)
            Encrypt(body[first..]);
    }

    private void Encrypt(ReadOnlyMemory<byte> plain)
    {
        // Record by record: OpenSSL's own buffer grows to what is written at once, and a connection keeps it.
        while (plain.Length > 0)
        {
            var record = plain[..Math.Min(plain.Length, Record)];
            // The socket below only gathers, so this ends at once; it would not during a renegotiation, which is not allowed.
            var written = tls.WriteAsync(record);
            Debug.Assert(written.IsCompleted);
            written.GetAwaiter().GetResult();
            plain = plain[record.Length..];
        }
    }

    private void Expect(int plain) => socket.GetMemory(plain + (plain / Record + 1) * RecordOverhead);

    /// <summary>One read of the file behind what is left of the head, then encryption. The bytes of the file, or less than 0 at its end.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> EncryptFileAsync(SendableFile file, ReadOnlyMemory<byte> head, long start, long done, int wanted)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(head.Length + wanted);
        try
        {
            head.CopyTo(buffer);
            var got = 0;
            while (got < wanted)
            {
                var offset = start + done + got;
                var into = buffer.AsMemory(head.Length + got, wanted - got);
                var read = Read(file, into.Span, start, offset);
                if (read < 0)
                {
                    read = await _read.ReadAsync(file, into, offset);
                    file.Sent(start, offset, offset + read, default);
                }
                if (read == 0)
                {
                    // Shorter than it was at the start: what is missing cannot be made up, so the connection ends here.
                    Stop(SendEnd.Truncated);
                    return -1;
                }
                got += read;
            }
            Expect(head.Length + got);
            Encrypt(buffer.AsMemory(0, head.Length + got));
            return got;
        }
        catch (IOException)
        {
            Stop(SendEnd.SourceFailed);
            return -1;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What can be read without waiting for a disk; less than 0: nothing, it takes a lane.</summary>
    private static int Read(SendableFile file, Span<byte> into, long start, long offset)
    {
        var warm = (int)Math.Min(into.Length, file.Sendfile ? file.WarmBytes(offset) : 0);
        if (warm <= 0)
            return -1;
        var clock = SendClock.Start();
        var read = RandomAccess.Read(file.Handle, into[..warm], offset);
        file.Sent(start, offset, offset + read, clock);
        return read;
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask SendAsync()
    {
        var flushed = await socket.FlushAsync();
        // What of the batch was not taken the socket gives back.
        if (flushed.IsCompleted)
            End = socket.End == SendEnd.Done ? SendEnd.ViewerLeft : socket.End;
    }

    private void Stop(SendEnd end)
    {
        if (End == SendEnd.Done)
            End = end;
        socket.Cut(end);
    }

    /// <summary>
    /// close_notify (RFC 8446 section 6.1): what came before it is whole. A full socket is waited for, as long as for any send: one who
    /// reads the last body late must not take it for cut.
    /// </summary>
    public async ValueTask SayGoodbyeAsync()
    {
        if (End != SendEnd.Done || socket.End != SendEnd.Done || socket.IsSending)
            return;
        try
        {
            await tls.ShutdownAsync();
            await socket.FlushAsync();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException or CryptographicException)
        {
            // Gone already, or in the middle of a renegotiation that was refused: OpenSSL then says nothing any more.
        }
    }

    public override void CancelPendingFlush() => socket.CancelPendingFlush();

    public override void Complete(Exception? exception = null)
    {
        // The connection's own end completes the socket.
    }
}
