using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>Does a small file begin as its name says? A key of AES has 16 or 32 bytes and begins with anything.</summary>
internal static class Signature
{
    private const int LongestPlainKey = 32;
    private const int TsPacket = 188;

    public static bool Fits(MediaKind kind, ReadOnlySpan<byte> bytes)
    {
        if (kind.Name == "subtitle")
            return IsSubtitle(bytes);
        if (bytes.Length <= LongestPlainKey)
            return false;
        return kind.Name switch
        {
            "ts" => IsTransportStream(bytes),
            "m4s" or "mp4" => IsBox(bytes),
            // ADTS and MPEG audio have a syncword of 11 bits, AC-3 one of 16.
            "audio" => IsBox(bytes) || bytes.StartsWith("ID3"u8) || bytes.StartsWith("fLaC"u8) || bytes.StartsWith("OggS"u8)
                || (bytes[0] == 0xFF && bytes[1] >= 0xE0) || bytes.StartsWith((ReadOnlySpan<byte>)[0x0B, 0x77]),
            "webm" or "mkv" => bytes.StartsWith((ReadOnlySpan<byte>)[0x1A, 0x45, 0xDF, 0xA3]),
            "flv" => bytes.StartsWith("FLV"u8),
            "image" => bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) || bytes.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47])
                || bytes.StartsWith("GIF8"u8) || bytes.StartsWith("RIFF"u8) || IsBox(bytes),
            _ => false,
        };
    }

    private static bool IsSubtitle(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]))
            bytes = bytes[3..];
        return bytes.StartsWith("WEBVTT"u8) || bytes.StartsWith("<?xml"u8) || bytes.StartsWith("<tt"u8) || bytes.IndexOf(" --> "u8) >= 0;
    }

    private static bool IsTransportStream(ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at += TsPacket)
        {
            if (bytes[at] != 0x47)
                return false;
        }
        return bytes.Length % TsPacket == 0;
    }

    // ISO/IEC 14496-12: its boxes at the beginning of a file or a segment.
    private static bool IsBox(ReadOnlySpan<byte> bytes) =>
        bytes[4..8] is var type && (type.SequenceEqual("ftyp"u8) || type.SequenceEqual("styp"u8) || type.SequenceEqual("moof"u8) || type.SequenceEqual("moov"u8)
            || type.SequenceEqual("sidx"u8) || type.SequenceEqual("emsg"u8) || type.SequenceEqual("prft"u8));
}
