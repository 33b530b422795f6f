using System.IO.Compression;

namespace XLive.Media.Hls;

/// <summary>A playlist as it goes out, made once for all who ask. It is compressed when the first does: most streams of many have nobody who looks.</summary>
public sealed class PlaylistForms
{
    private byte[]? _gzip;

    internal PlaylistForms(byte[] plain) => Plain = plain;

    public ReadOnlyMemory<byte> Plain { get; }

    public ReadOnlyMemory<byte> Gzip => Volatile.Read(ref _gzip) ?? Compress();

    private byte[] Compress()
    {
        using var output = new MemoryStream(Plain.Length / 2);
        using (var gzip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(Plain.Span);
        // Two who ask at once make two; the first stays, so that all have the same.
        return Interlocked.CompareExchange(ref _gzip, output.ToArray(), null) ?? _gzip;
    }
}

/// <summary>What of a live stream stands between two changes. Immutable, read by any thread.</summary>
public sealed class LivePlaylistView
{
    private readonly LiveSegment[] _segments;

    internal LivePlaylistView(LiveSegment[] segments, long firstListed, PlaylistForms media, PlaylistForms multivariant, int targetDuration, bool hasEnded, long version)
    {
        _segments = segments;
        FirstListed = firstListed;
        Media = media;
        Multivariant = multivariant;
        TargetDuration = targetDuration;
        HasEnded = hasEnded;
        Version = version;
    }

    public PlaylistForms Media { get; }
    public PlaylistForms Multivariant { get; }
    public int TargetDuration { get; }
    public bool HasEnded { get; }

    /// <summary>Another with each change.</summary>
    public long Version { get; }

    /// <summary>The media sequence number. Those below, as far as they are here, were removed and can still be fetched.</summary>
    public long FirstListed { get; }

    public ReadOnlySpan<LiveSegment> Segments => _segments;

    /// <summary>
    /// The segment of this number, its buffer held for the caller. It may have gone since the view was made: then there is none.
    /// </summary>
    public LiveSegment? TryHold(long number)
    {
        var index = _segments.Length == 0 ? -1 : number - _segments[0].Number;
        if (index < 0 || index >= _segments.Length)
            return null;
        var segment = _segments[index];
        return segment.Segment.Buffer.TryHold() ? segment : null;
    }
}
