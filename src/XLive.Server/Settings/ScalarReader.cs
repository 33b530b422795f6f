using System.Collections;
using System.Globalization;

namespace XLive.Server.Settings;

/// <summary>One word to one value. What is wrong comes back as the rest of a sentence that begins with the word.</summary>
internal static class ScalarReader
{
    private const double LargestNumber = 1e15;

    private static readonly string[] MomentFormats =
    [
        "yyyy-MM-dd", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK",
        "yyyy-MM-dd HH:mmK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK",
    ];

    public static string? Read(Shape shape, string text, out object? value)
    {
        value = null;
        if (shape.Optional && (text.Length == 0 || (shape.Kind != ShapeKind.Text && text == "auto")))
        {
            return null;
        }

        string? problem;
        switch (shape.Kind)
        {
            case ShapeKind.Text:
                value = text;
                problem = null;
                break;
            case ShapeKind.Flag:
                problem = Flag(text, out value);
                break;
            case ShapeKind.Duration:
                problem = Quantity.ReadDuration(text, out var duration);
                value = duration;
                break;
            case ShapeKind.Bytes:
                problem = Quantity.ReadSize(text, out var bytes);
                value = bytes;
                break;
            case ShapeKind.Moment:
                problem = Moment(text, out value);
                break;
            case ShapeKind.Choice:
                value = shape.Choices.FirstOrDefault(c => c.Name.Equals(text, StringComparison.OrdinalIgnoreCase)).Value;
                problem = value is null ? $"is not {shape.Expected}" : null;
                break;
            default:
                problem = Number(shape, text, out value);
                break;
        }

        return problem ?? OutOfBounds(shape, value);
    }

    private static string? OutOfBounds(Shape shape, object? value) => value switch
    {
        null => null,
        _ when shape.Least is not null && Comparer.DefaultInvariant.Compare(value, shape.Least) < 0 =>
            $"is too small; the least is {ValueText.Yaml(shape, shape.Least, false)}",
        _ when shape.Most is not null && Comparer.DefaultInvariant.Compare(value, shape.Most) > 0 =>
            $"is too large; the most is {ValueText.Yaml(shape, shape.Most, false)}",
        _ => null,
    };

    private static string? Flag(string text, out object? value)
    {
        value = text.ToLowerInvariant() switch
        {
            "true" or "yes" or "on" => true,
            "false" or "no" or "off" => false,
            _ => null,
        };
        return value is null ? "is not true or false" : null;
    }

    private static string? Number(Shape shape, string text, out object? value)
    {
        value = null;
        var digits = text.Trim();
        if (digits.StartsWith('-') && digits.Length > 1 && char.IsAsciiDigit(digits[1]))
        {
            return "is negative";
        }

        if (shape.Kind == ShapeKind.Number)
        {
            // Only digits and one point: NaN, Infinity and 1e999 are no settings.
            var read = double.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var real) && !digits.Contains('\0', StringComparison.Ordinal);
            value = real;
            return !read || !char.IsAsciiDigit(digits[0]) ? "is not a number" : real <= LargestNumber ? null : "is too large";
        }

        if (digits.Length == 0 || digits.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            return "is not a whole number";
        }

        if (!WholeNumber.TryRead(digits, out var whole)
            || (shape.Type == typeof(int) && whole > int.MaxValue))
        {
            return "is too large";
        }

        value = shape.Type == typeof(int) ? (object)(int)whole : whole;
        return null;
    }

    private static string? Moment(string text, out object? value)
    {
        value = null;
        const string problem = "is not a date and time such as 2027-01-31T12:00:00Z, nor unix seconds";
        if (text.Length > 0 && !text.AsSpan().ContainsAnyExceptInRange('0', '9'))
        {
            if (!WholeNumber.TryRead(text, out var seconds)
                || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            {
                return "is too large";
            }

            value = DateTimeOffset.FromUnixTimeSeconds(seconds);
            return null;
        }

        const DateTimeStyles styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        if (!DateTimeOffset.TryParseExact(text, MomentFormats, CultureInfo.InvariantCulture, styles, out var moment))
        {
            return problem;
        }

        value = moment;
        return null;
    }
}
