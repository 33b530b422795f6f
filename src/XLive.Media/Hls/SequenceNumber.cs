using System.Globalization;

namespace XLive.Media.Hls;

/// <summary>A number in a name or a query, in the one form in which it is written: of two names for one thing a cache makes two.</summary>
public static class SequenceNumber
{
    // Of a long that is sure to be one.
    private const int MostDigits = 18;

    public static bool TryRead(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        return text.Length is > 0 and <= MostDigits && (text[0] != '0' || text.Length == 1) && !text.ContainsAnyExceptInRange('0', '9')
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
