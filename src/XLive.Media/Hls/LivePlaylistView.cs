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

/// <summary>A segment with its place in the playlist.</summary>
public sealed class LiveSegment(Segment segment, long number)
{
    public Segment Segment { get; } = segment;

    /// <summary>Its media sequence number, and its name.</summary>
    public long Number { get; } = number;

    /// <summary>In ticks: the longest playlist that listed it.</summary>
    internal long LongestPlaylist { get; set; }

    /// <summary>So long it can be fetched after it was removed (RFC 8216 6.2.2); before, nobody knows when that will be.</summary>
    public TimeSpan Lingers => TimeSpan.FromSeconds((double)(Segment.Duration + LongestPlaylist) / Timestamp.PerSecond);

    /// <summary>Not before; MaxValue while it is listed.</summary>
    public DateTimeOffset GoesAt { get; internal set; } = DateTimeOffset.MaxValue;

    /// <summary>For how long a cache may keep it (bis 6.2.2: no longer than it can be fetched here).</summary>
    public TimeSpan MaxAge(DateTimeOffset now) => GoesAt == DateTimeOffset.MaxValue ? Lingers : GoesAt > now ? GoesAt - now : TimeSpan.Zero;

    public static string NameOf(long number) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{number}.ts");

    /// <summary>The number in a name, where it is written as <see cref="NameOf"/> writes it.</summary>
    public static bool TryReadName(ReadOnlySpan<char> name, out long number)
    {
        number = 0;
        if (name.Length is < 4 or > 21 || !name.EndsWith(".ts", StringComparison.Ordinal))
            return false;
        name = name[..^3];
        if (name[0] == '0' && name.Length > 1)
            return false;
        foreach (var digit in name)
        {
            if (!char.IsAsciiDigit(digit))
                return false;
        }
        return long.TryParse(name, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out number);
    }
}
