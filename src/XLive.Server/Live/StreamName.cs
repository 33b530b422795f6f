using System.Diagnostics.CodeAnalysis;

namespace XLive.Server.Live;

/// <summary>What a stream is called: rtmp://host/{app}/{stream}, and /{app}/{stream}.m3u8.</summary>
public readonly record struct StreamName(string App, string Stream)
{
    private const int Longest = 128;

    /// <summary>Both parts: letters, digits and ._~- up to 128, no leading dot.</summary>
    public static bool IsPart(ReadOnlySpan<char> part)
    {
        if (part.Length is 0 or > Longest || part[0] == '.')
            return false;
        foreach (var c in part)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('.' or '_' or '~' or '-'))
                return false;
        }
        return true;
    }

    public static bool TryOf(string app, string stream, [NotNullWhen(true)] out StreamName? name)
    {
        name = IsPart(app) && IsPart(stream) ? new StreamName(app, stream) : null;
        return name is not null;
    }

    /// <summary>
    /// The event that it is a rendition of: live/cam of live/cam_720, live/cam_1080p and live/cam_1080p60. A label is three or four digits, the lines of the picture, and
    /// may have a p behind them and pictures a second. Null: the name has none, as cam_2, cam_left or cam_20261122.
    /// </summary>
    public StreamName? Event
    {
        get
        {
            var bar = Stream.LastIndexOf('_');
            return bar > 0 && IsLabel(Stream.AsSpan(bar + 1)) ? new StreamName(App, Stream[..bar]) : null;
        }
    }

    private static bool IsLabel(ReadOnlySpan<char> label)
    {
        var lines = Digits(label);
        if (lines is not (3 or 4) || label[0] == '0')
            return false;
        label = label[lines..];
        return label.IsEmpty || (label[0] == 'p' && Digits(label[1..]) is <= 3 and var rate && rate == label.Length - 1);
    }

    private static int Digits(ReadOnlySpan<char> text)
    {
        var count = text.IndexOfAnyExceptInRange('0', '9');
        return count < 0 ? text.Length : count;
    }

    public override string ToString() => $"{App}/{Stream}";
}
