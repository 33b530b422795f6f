namespace XLive.Server.Traffic;

/// <summary>What a user's bytes are told apart by in reports. Counters are kept by these numbers, also on disk: append, never renumber.</summary>
public enum FileKind : byte { Other, M3u8, Ts, M4s, Mp4, Key, Vtt, Jpg, Flv, Audio, Webm, Mkv, Mpd }

public static class FileKinds
{
    private static readonly string[] Words = ["other", "m3u8", "ts", "m4s", "mp4", "key", "vtt", "jpg", "flv", "audio", "webm", "mkv", "mpd"];

    public static int Count => Words.Length;

    /// <summary>Its name in a report's file_types.</summary>
    public static string Word(this FileKind kind) => Words[(int)kind];
}
