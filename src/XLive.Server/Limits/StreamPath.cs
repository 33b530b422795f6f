namespace XLive.Server.Limits;

/// <summary>What limits by stream take for one.</summary>
public static class StreamPath
{
    /// <summary>The first two segments, without an extension: live/cam of /live/cam.m3u8 and of all that is below /live/cam/.</summary>
    public static ReadOnlySpan<char> Of(ReadOnlySpan<char> path)
    {
        var rest = path.TrimStart('/');
        var first = rest.IndexOf('/');
        var second = first < 0 ? -1 : rest[(first + 1)..].IndexOf('/');
        if (second >= 0)
            return rest[..(first + 1 + second)];
        var dot = rest[(first + 1)..].LastIndexOf('.');
        return dot > 0 ? rest[..(first + 1 + dot)] : rest;
    }
}
