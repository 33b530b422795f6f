using System.Globalization;

namespace XLive.Server.Settings;

/// <summary>Durations and sizes as people write them: "30", "30s", "1.5 h", "256 MiB". Problems come back as text.</summary>
internal static class Quantity
{
    private const NumberStyles Digits = NumberStyles.AllowDecimalPoint;

    // Far above any use and far below where adding it to a date overflows.
    private static readonly TimeSpan LongestDuration = TimeSpan.FromDays(36500);

    private static readonly (string Name, decimal Ticks)[] DurationUnits =
    [
        ("d", TimeSpan.TicksPerDay), ("h", TimeSpan.TicksPerHour), ("m", TimeSpan.TicksPerMinute),
        ("s", TimeSpan.TicksPerSecond), ("ms", TimeSpan.TicksPerMillisecond),
    ];

    private static readonly (string Name, long Bytes)[] SizeUnits = [("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1)];

    public static string? ReadDuration(string text, out TimeSpan value)
    {
        value = default;
        if (!Split(text, out var number, out var unit, out var problem))
        {
            return problem ?? "is not a duration; write a number of seconds, or one with ms, s, m, h or d, such as 30s";
        }

        var ticks = unit.Length == 0 ? TimeSpan.TicksPerSecond : DurationUnits.FirstOrDefault(u => u.Name == unit).Ticks;
        if (ticks == 0)
        {
            return "has no known unit; durations take ms, s, m, h or d";
        }

        if (number > LongestDuration.Ticks / ticks)
        {
            return "is too large; the longest duration is 36500d";
        }

        var exact = number * ticks;
        if (exact is > 0 and < 1)
        {
            return "is too small to be told from nothing";
        }

        value = TimeSpan.FromTicks((long)exact);
        return null;
    }

    public static string? ReadSize(string text, out long value)
    {
        value = 0;
        if (!Split(text, out var number, out var unit, out var problem))
        {
            return problem ?? "is not a size; write a number of bytes, or one with KiB, MiB or GiB, such as 64MiB";
        }

        var factor = unit.Length == 0 ? 1 : SizeUnits.FirstOrDefault(u => u.Name.Equals(unit, StringComparison.OrdinalIgnoreCase)).Bytes;
        if (factor == 0)
        {
            // 1000 or 1024 has been guessed wrong often enough; here nobody guesses.
            return "has no known unit; sizes take KiB, MiB or GiB (1024 each step)";
        }

        if (number > long.MaxValue / factor)
        {
            return "is too large";
        }

        var exact = number * factor;
        if (exact != decimal.Truncate(exact))
        {
            return "is not a whole number of bytes";
        }

        value = (long)exact;
        return null;
    }

    public static string Write(TimeSpan value)
    {
        if (value == TimeSpan.Zero)
        {
            return "0";
        }

        foreach (var (name, ticks) in DurationUnits)
        {
            if (value.Ticks % ticks == 0)
            {
                return (value.Ticks / ticks).ToString(CultureInfo.InvariantCulture) + name;
            }
        }

        return (value.Ticks / (decimal)TimeSpan.TicksPerMillisecond).ToString(CultureInfo.InvariantCulture) + "ms";
    }

    public static string WriteSize(long value)
    {
        foreach (var (name, bytes) in SizeUnits)
        {
            if (bytes > 1 && value != 0 && value % bytes == 0)
            {
                return (value / bytes).ToString(CultureInfo.InvariantCulture) + name;
            }
        }

        return value.ToString(CultureInfo.InvariantCulture);
    }

    private static bool Split(string text, out decimal number, out string unit, out string? problem)
    {
        var trimmed = text.AsSpan().Trim();
        var length = trimmed.IndexOfAnyExcept("0123456789.");
        var digits = length < 0 ? trimmed : trimmed[..length];
        unit = length < 0 ? "" : trimmed[length..].Trim().ToString();
        problem = trimmed.StartsWith("-") && trimmed.Length > 1 && char.IsAsciiDigit(trimmed[1]) ? "is negative" : null;
        number = 0;
        if (digits.IsEmpty || !char.IsAsciiDigit(digits[0]))
        {
            return false;
        }

        if (decimal.TryParse(digits, Digits, CultureInfo.InvariantCulture, out number))
        {
            return true;
        }

        problem = digits.Count('.') > 1 ? null : "is too large";
        return false;
    }
}
