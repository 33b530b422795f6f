using System.Buffers.Binary;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// Who pays for the DATA frames of an HTTP/2 connection. Kestrel buffers up to 64 KiB a stream and does not say what of it a stream that
/// is reset has framed; so the frames themselves are read on their way to the socket, nine bytes in sixteen thousand, and charged there.
/// </summary>
internal sealed class StreamBodies
{
    private const int HeaderSize = 9;
    private const byte Data = 0, ResetStream = 3, EndStream = 1;

    // Kestrel runs at most 100 at once. One whose client resets it after its last write ends without a frame of ours, and stays.
    private const int Most = 256;

    private readonly Dictionary<int, StreamBody> _streams = [];

    // Where the connection's frames were cut by the last call.
    private readonly byte[] _header = new byte[HeaderSize];
    private int _headerRead;
    private int _payloadLeft;
    private StreamBody? _payer;

    /// <summary>A response begins; before its first byte is written.</summary>
    public StreamBody Begin(int id, Meter meter, FileKind kind, SharedPaces? paces, IHttpRequestLifetimeFeature request)
    {
        var body = new StreamBody(meter, kind, paces, request);
        lock (_streams)
        {
            if (_streams.Count >= Most)
                DropEnded();
            _streams[id] = body;
        }
        return body;
    }

    private void DropEnded()
    {
        // The oldest: their numbers rise, and of the last hundred one may still have frames to come.
        foreach (var id in _streams.Where(static s => s.Value.HasEnded).Select(static s => s.Key).Order().Take(Most / 4).ToArray())
            _streams.Remove(id);
    }

    /// <summary>By the waiter: streams whose window is shut, and whose viewers may have no more.</summary>
    public void CutStopped()
    {
        List<StreamBody>? stopped = null;
        lock (_streams)
        {
            foreach (var (_, body) in _streams)
            {
                if (body.MustStop)
                    (stopped ??= []).Add(body);
            }
        }
        // Not under the lock: Kestrel takes its own for the frame that it writes, and comes back here with it.
        foreach (var body in stopped ?? [])
            body.Cut();
    }

    /// <summary>Frames that are about to be sent: charges them, and tells for whom bytes lie in the call, and from where on.</summary>
    public void Charge(ReadOnlySpan<byte> frames, SocketOutput socket)
    {
        var at = 0;
        while (at < frames.Length)
        {
            if (_payloadLeft == 0)
            {
                var ofHeader = Math.Min(HeaderSize - _headerRead, frames.Length - at);
                frames.Slice(at, ofHeader).CopyTo(_header.AsSpan(_headerRead));
                at += ofHeader;
                _headerRead += ofHeader;
                if (_headerRead == HeaderSize)
                    BeginFrame();
                continue;
            }
            var payload = Math.Min(_payloadLeft, frames.Length - at);
            if (_payer is { } payer)
            {
                payer.Charge(payload);
                socket.Carries(payer.Meter, payer.Kind, at, payload);
            }
            at += payload;
            _payloadLeft -= payload;
        }
    }

    // RFC 9113 section 4.1. Kestrel pads no frame.
    private void BeginFrame()
    {
        _headerRead = 0;
        _payloadLeft = BinaryPrimitives.ReadInt32BigEndian(_header) >>> 8;
        _payer = null;
        if (_header[3] is not (Data or ResetStream))
            return;
        var id = BinaryPrimitives.ReadInt32BigEndian(_header.AsSpan(5)) & int.MaxValue;
        lock (_streams)
        {
            if (_header[3] == Data)
                _streams.TryGetValue(id, out _payer);
            if (_header[3] == ResetStream || (_header[4] & EndStream) != 0)
                _streams.Remove(id);
        }
    }
}

/// <summary>One response's body in HTTP/2.</summary>
internal sealed class StreamBody(Meter meter, FileKind kind, SharedPaces? paces, IHttpRequestLifetimeFeature request)
{
    private readonly Lock _gate = new();
    private long _sent;
    private bool _ended;
    private bool _cut;

    public Meter Meter => meter;
    public FileKind Kind => kind;
    public SharedPaces? Paces => paces;

    /// <summary>Bytes that were framed and sent.</summary>
    public long Sent => Volatile.Read(ref _sent);

    public bool HasEnded => Volatile.Read(ref _ended);

    public bool WasCut => Volatile.Read(ref _cut);

    public void Charge(int bytes)
    {
        meter.Charge(kind, bytes);
        Volatile.Write(ref _sent, _sent + bytes);
    }

    /// <summary>The request is answered, as far as the server is concerned: Kestrel may use its objects for another.</summary>
    public void End()
    {
        lock (_gate)
            _ended = true;
    }

    internal bool MustStop => meter.IsStopped && !HasEnded && !WasCut;

    internal bool Cut()
    {
        lock (_gate)
        {
            if (_ended)
                return false;
            _cut = true;
            request.Abort();
            return true;
        }
    }
}
