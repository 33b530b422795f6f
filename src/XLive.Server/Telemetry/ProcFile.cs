namespace XLive.Server.Telemetry;

/// <summary>
/// A file of /proc, read when it is asked for. What is not there, and on a machine without /proc all, is empty; what is longer than the
/// buffer is cut, and its last line is not to be believed.
/// </summary>
internal static class ProcFile
{
    public static ReadOnlySpan<byte> Read(string path, byte[] buffer)
    {
        try
        {
            using var file = File.OpenHandle(path);
            var length = 0;
            // One call gives a page at most.
            while (length < buffer.Length && RandomAccess.Read(file, buffer.AsSpan(length), length) is > 0 and var more)
                length += more;
            var text = buffer.AsSpan(0, length);
            return length < buffer.Length ? text : text[..(text.LastIndexOf((byte)'\n') + 1)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return default;
        }
    }
}

/// <summary>The words of a line, between blanks and tabs.</summary>
internal ref struct Words(ReadOnlySpan<byte> line)
{
    private ReadOnlySpan<byte> _rest = line;

    public bool Next(out ReadOnlySpan<byte> word)
    {
        _rest = _rest.TrimStart(" \t"u8);
        var end = _rest.IndexOfAny((byte)' ', (byte)'\t');
        word = end < 0 ? _rest : _rest[..end];
        _rest = end < 0 ? default : _rest[end..];
        return !word.IsEmpty;
    }

    /// <summary>The next as a number; null where there is none.</summary>
    public long? Number() => Next(out var word) && Settings.WholeNumber.TryRead(word, out var number) ? number : null;
}
