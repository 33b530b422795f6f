using XLive.Media.Rtmp;
using XLive.Server.Rtmp;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.Rtmp;

/// <summary>
/// Pieces of a stream's chunks on their way to one player. To nearly all of them a piece goes as it is. One who wants no audio, or no video, is sent what lies
/// between; one who plays on a message stream of another number is sent each message behind a header of his own.
/// </summary>
internal sealed class RtmpParts(RtmpOutput output, Meter meter, uint streamId)
{
    private readonly byte[] _header = new byte[RtmpMedia.HeaderLength];
    private bool _waitsForKey;

    /// <summary>As its pieces lie there, so they go.</summary>
    public bool IsPlain => !_waitsForKey && streamId == RtmpMedia.StreamId;

    /// <returns>False: he has gone, or may have no more.</returns>
    public ValueTask<bool> SendAsync(ReadOnlyMemory<byte> piece, bool audio, bool video)
    {
        // Video that begins anew begins with a picture that stands by itself.
        _waitsForKey |= !video;
        return audio && !_waitsForKey && streamId == RtmpMedia.StreamId ? output.SendAsync(Body.Of(piece, FileKind.Flv), meter) : SendPartsAsync(piece, audio, video);
    }

    private async ValueTask<bool> SendPartsAsync(ReadOnlyMemory<byte> piece, bool audio, bool video)
    {
        var ready = 0;
        for (var at = 0; at < piece.Length;)
        {
            var message = RtmpMedia.First(piece.Span[at..]);
            var next = at + message.Length;
            if (video && message.IsKey)
                _waitsForKey = false;
            // What a decoder must know it is told in any case: it may want the rest later.
            var isWanted = message.IsConfiguration || message.Type switch
            {
                RtmpMessageType.Audio => audio,
                RtmpMessageType.Video => !_waitsForKey,
                _ => true,
            };
            if (!isWanted || streamId != RtmpMedia.StreamId)
            {
                if (!await SendAsync(piece[ready..at]))
                    return false;
                ready = isWanted ? at + RtmpMedia.HeaderLength : next;
                if (isWanted)
                {
                    RtmpMedia.CopyHeader(piece.Span[at..], streamId, _header);
                    if (!await SendAsync(_header))
                        return false;
                }
            }
            at = next;
        }
        return await SendAsync(piece[ready..]);
    }

    private ValueTask<bool> SendAsync(ReadOnlyMemory<byte> bytes) => output.SendAsync(Body.Of(bytes, FileKind.Flv), meter);
}
