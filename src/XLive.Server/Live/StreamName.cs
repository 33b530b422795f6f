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

    public override string ToString() => $"{App}/{Stream}";
}
