using System.Buffers.Binary;
using System.Text;

namespace XLive.Media.Codecs;

/// <summary>How enhanced RTMP names codecs, and MP4 the samples of each; and which are carried.</summary>
public static class FourCc
{
    /// <summary>All that is carried, by name.</summary>
    public static ReadOnlySpan<Codec> Video => [Codec.H264, Codec.Hevc, Codec.Av1, Codec.Vp9];
    public static ReadOnlySpan<Codec> Audio => [Codec.Aac, Codec.Mp3, Codec.Opus, Codec.Flac, Codec.Ac3, Codec.Eac3];

    public static ReadOnlySpan<byte> Of(Codec codec) => codec switch
    {
        Codec.H264 => "avc1"u8,
        Codec.Hevc => "hvc1"u8,
        Codec.Av1 => "av01"u8,
        Codec.Vp9 => "vp09"u8,
        Codec.Aac => "mp4a"u8,
        Codec.Mp3 => ".mp3"u8,
        Codec.Opus => "Opus"u8,
        Codec.Flac => "fLaC"u8,
        Codec.Ac3 => "ac-3"u8,
        Codec.Eac3 => "ec-3"u8,
        _ => throw new ArgumentOutOfRangeException(nameof(codec)),
    };

    /// <summary>As onMetaData has it where a codec's number stood before.</summary>
    public static uint NumberOf(Codec codec) => BinaryPrimitives.ReadUInt32BigEndian(Of(codec));

    internal static bool TryFind(bool isVideo, uint name, out Codec codec)
    {
        foreach (var known in isVideo ? Video : Audio)
        {
            codec = known;
            if (NumberOf(known) == name)
                return true;
        }
        codec = default;
        return false;
    }

    /// <summary>For the log: a stranger's four bytes.</summary>
    internal static string Say(uint name)
    {
        var text = new StringBuilder(24);
        for (var shift = 24; shift >= 0; shift -= 8)
        {
            var value = (byte)(name >> shift);
            text.Append(value is > 0x20 and < 0x7F ? (char)value : '?');
        }
        return text.Append(text.ToString() switch
        {
            "vp08" => " (VP8)",
            "vvc1" => " (VVC)",
            _ => "",
        }).ToString();
    }
}
