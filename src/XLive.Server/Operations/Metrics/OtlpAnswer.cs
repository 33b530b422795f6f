using System.Text;

namespace XLive.Server.Operations.Metrics;

/// <summary>
/// What a collector says in the body of its answer: an ExportMetricsServiceResponse, which may tell of points that it refused, or beside an
/// error a google.rpc.Status. Both have few fields; whatever else came is nothing.
/// </summary>
internal static class OtlpAnswer
{
    private const int Varint = 0, Fixed64 = 1, Delimited = 2, Fixed32 = 5;

    /// <summary>ExportMetricsPartialSuccess: how many points were refused, and why.</summary>
    public static (long Rejected, string Why) Partial(ReadOnlySpan<byte> body)
    {
        long rejected = 0;
        var why = "";
        while (Next(ref body, out var field, out _, out var inner))
        {
            if (field != 1)
                continue;
            while (Next(ref inner, out var of, out var number, out var text))
            {
                if (of == 1)
                    rejected = Math.Max(0, (long)number);
                else if (of == 2)
                    why = Encoding.UTF8.GetString(text);
            }
        }
        return (rejected, why);
    }

    /// <summary>Status.message.</summary>
    public static string Message(ReadOnlySpan<byte> body)
    {
        while (Next(ref body, out var field, out _, out var text))
        {
            if (field == 2)
                return Encoding.UTF8.GetString(text);
        }
        return "";
    }

    private static bool Next(ref ReadOnlySpan<byte> rest, out int field, out ulong number, out ReadOnlySpan<byte> bytes)
    {
        field = 0;
        number = 0;
        bytes = default;
        if (!Read(ref rest, out var tag))
            return false;
        field = (int)(tag >> 3 & 0xFFFF);
        switch ((int)(tag & 7))
        {
            case Varint:
                return Read(ref rest, out number);
            case Delimited:
                if (!Read(ref rest, out var length) || length > (ulong)rest.Length)
                    return false;
                bytes = rest[..(int)length];
                rest = rest[(int)length..];
                return true;
            case var kind and (Fixed64 or Fixed32):
                var size = kind == Fixed64 ? 8 : 4;
                if (rest.Length < size)
                    return false;
                rest = rest[size..];
                return true;
            default:
                return false;
        }
    }

    private static bool Read(ref ReadOnlySpan<byte> rest, out ulong value)
    {
        value = 0;
        for (var i = 0; i < rest.Length && i < 10; i++)
        {
            value |= (ulong)(rest[i] & 0x7F) << (7 * i);
            if (rest[i] >= 0x80)
                continue;
            rest = rest[(i + 1)..];
            return true;
        }
        return false;
    }
}
