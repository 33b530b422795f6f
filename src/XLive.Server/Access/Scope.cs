using System.Buffers;
using System.Text.Unicode;

namespace XLive.Server.Access;

/// <summary>
/// What a token is good for: "/films/" all below it, "/films/movie1*" all that begins so, "/films/movie1.mp4" exactly one path;
/// "/live/cam", where live is an app, the stream in every form.
/// </summary>
public static class Scope
{
    /// <summary>The directory of a path, with its trailing slash.</summary>
    public static ReadOnlySpan<char> Derived(ReadOnlySpan<char> path) => path[..(path.LastIndexOf('/') + 1)];

    internal static ReadOnlySpan<byte> Derived(ReadOnlySpan<byte> path) => path[..(path.LastIndexOf((byte)'/') + 1)];

    /// <summary>Begins with a slash; no empty, "." or ".." segment; no control character.</summary>
    public static bool IsWellFormed(ReadOnlySpan<byte> scope)
    {
        if (scope.IsEmpty || scope[0] != '/' || !GrantText.IsClean(scope))
            return false;
        ReadOnlySpan<byte> rest = scope[1..];
        while (true)
        {
            int end = rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> segment = end < 0 ? rest : rest[..end];
            // Only the last segment may be empty: that is the trailing slash.
            if (segment.SequenceEqual("."u8) || segment.SequenceEqual(".."u8) || (segment.IsEmpty && end >= 0))
                return false;
            if (end < 0)
                return true;
            rest = rest[(end + 1)..];
        }
    }

    /// <param name="scope">Well formed.</param>
    /// <param name="path">Decoded and without dot segments: "/films/../x" begins with "/films/" too.</param>
    public static bool Covers(ReadOnlySpan<byte> scope, ReadOnlySpan<byte> path, LiveApps liveApps)
    {
        if (scope.EndsWith((byte)'/'))
            return path.StartsWith(scope);
        if (scope.EndsWith((byte)'*'))
            return path.StartsWith(scope[..^1]);
        if (!path.StartsWith(scope))
            return false;
        ReadOnlySpan<byte> form = path[scope.Length..];
        return form.IsEmpty
            || ((form[0] == '/' || form.SequenceEqual(".m3u8"u8) || form.SequenceEqual(".flv"u8)) && liveApps.IsStream(scope));
    }

    public static bool Covers(ReadOnlySpan<char> scope, ReadOnlySpan<char> path, LiveApps liveApps)
    {
        // Nearly every request ends here. Beginnings are the same in both encodings as long as the text is Unicode.
        if (scope.EndsWith('/') && IsUnicode(scope))
            return path.StartsWith(scope);
        const int Enough = 512;
        int most = (scope.Length + path.Length) * 3;
        Span<byte> buffer = most <= Enough ? stackalloc byte[Enough] : new byte[most];
        if (Utf8.FromUtf16(scope, buffer, out _, out int length, replaceInvalidSequences: false) != OperationStatus.Done)
            return false;
        return Utf8.FromUtf16(path, buffer[length..], out _, out int pathLength, replaceInvalidSequences: false) == OperationStatus.Done
            && Covers(buffer[..length], buffer.Slice(length, pathLength), liveApps);
    }

    private static bool IsUnicode(ReadOnlySpan<char> text) => !text.ContainsAnyInRange('\ud800', '\udfff');

    /// <summary>A link to "/x.mp4" or "/live/cam.m3u8" that states no scope would open everything or every stream.</summary>
    public static bool IsTooWideToDerive(ReadOnlySpan<byte> derived, LiveApps liveApps) =>
        derived.Length <= 1 || liveApps.IsApp(derived);

    /// <summary>
    /// The narrowest scope that plays a path: the stream, the one file, or for a playlist or manifest its directory (at the top, what begins
    /// with its name). Null where the derived scope is that one and the link need not state it.
    /// </summary>
    public static string? Narrowest(string path, LiveApps liveApps)
    {
        string derived = Derived(path).ToString();
        if (liveApps.ShownAt(path) is { IsEmpty: false } shown)
            return shown.ToString();
        if (liveApps.StreamOf(path) is { } stream)
            return stream;
        if (path.EndsWith('/'))
            return path == "/" ? "/" : null;
        foreach (string form in (ReadOnlySpan<string>)[".m3u8", ".m3u", ".mpd"])
        {
            if (path.EndsWith(form, StringComparison.OrdinalIgnoreCase))
                return derived != "/" ? null : path[..^form.Length] + "*";
        }
        return path;
    }
}
