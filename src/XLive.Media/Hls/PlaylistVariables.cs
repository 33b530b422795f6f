using System.Buffers;
using System.Text;

namespace XLive.Media.Hls;

/// <summary>
/// What EXT-X-DEFINE has defined so far. Only NAME and VALUE: an IMPORT is known to the multivariant playlist and a QUERYPARAM to
/// the viewer's URL, so here both stay what they are in the text, {$name}.
/// </summary>
internal sealed class PlaylistVariables
{
    /// <summary>Bounds the search for a brace that never closes.</summary>
    private const int LongestName = 256;

    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8);

    private readonly Dictionary<string, byte[]> _values = [];
    private readonly ArrayBufferWriter<byte> _scratch = new();
    private long _budget;

    /// <param name="budget">Bytes that values may add altogether; without it ten lines could stand for a terabyte.</param>
    public PlaylistVariables(long budget) => _budget = budget;

    public bool Overgrown => _budget < 0;

    public static bool Mentioned(ReadOnlySpan<byte> text) => text.IndexOf("{$"u8) >= 0;

    public void Define(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        value = Expand(value);

        // Put into the text, a brace could make a variable of what the player takes as it is, and a blank at an end be lost.
        if (name.IsEmpty || name.Length > LongestName || name.ContainsAnyExcept(NameBytes)
            || value.Contains((byte)'{') || value.Trim(AttributeReader.Blanks).Length != value.Length)
        {
            return;
        }

        // 64 is for the table around it.
        _budget -= name.Length + value.Length + 64;
        if (!Overgrown)
            _values.TryAdd(Encoding.Latin1.GetString(name), value.ToArray());
    }

    /// <returns>Valid until the next call.</returns>
    public ReadOnlySpan<byte> Expand(ReadOnlySpan<byte> text)
    {
        if (_values.Count == 0 || !Mentioned(text))
            return text;

        _scratch.ResetWrittenCount();
        for (int open; (open = text.IndexOf("{$"u8)) >= 0 && !Overgrown;)
        {
            var name = text[(open + 2)..];
            int length = name[..Math.Min(name.Length, LongestName + 1)].IndexOf((byte)'}');
            if (length >= 0 && _values.TryGetValue(Encoding.Latin1.GetString(name[..length]), out var value))
            {
                _scratch.Write(text[..open]);
                _scratch.Write(value);
                _budget -= value.Length;
                text = text[(open + length + 3)..];
            }
            else
            {
                // The next variable may begin within what looked like this one's name.
                _scratch.Write(text[..(open + 2)]);
                text = text[(open + 2)..];
            }
        }
        _scratch.Write(text);
        return _scratch.WrittenSpan;
    }
}
