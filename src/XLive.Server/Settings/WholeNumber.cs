using System.Globalization;

namespace XLive.Server.Settings;

/// <summary>
/// A number in a stranger's text: digits, and nothing else. The class library's own reading passes over NULs at the end, with
/// NumberStyles.None too, so that "12" would have many spellings.
/// </summary>
public static class WholeNumber
{
    public static bool TryRead(ReadOnlySpan<char> text, out long number)
    {
        number = 0;
        return !text.ContainsAnyExceptInRange('0', '9') && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    public static bool TryRead(ReadOnlySpan<byte> text, out long number)
    {
        number = 0;
        return !text.ContainsAnyExceptInRange((byte)'0', (byte)'9') && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    public static bool TryRead(ReadOnlySpan<char> text, int most, out int number)
    {
        var isOne = TryRead(text, out var value) && value <= most;
        number = isOne ? (int)value : 0;
        return isOne;
    }
}
