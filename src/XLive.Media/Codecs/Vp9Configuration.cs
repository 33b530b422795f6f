using System.Globalization;

namespace XLive.Media.Codecs;

/// <summary>
/// The body of vpcC, the box of the VP Codec ISO Media File Format Binding, with its version and flags: what FFmpeg sends by enhanced RTMP, and MP4 holds. It knows no size, and
/// what it repeats of a keyframe's header is taken from there.
/// </summary>
public static class Vp9Configuration
{
    private const int Length = 12;
    private const int Head = 4; // of a full box: version 1, no flags
    private const int ProfileAt = Head, LevelAt = Head + 1, FormatAt = Head + 2, ColoursAt = Head + 3;
    private const int Bt709 = 1, Unspecified = 2;

    // Levels by ten times their number, with the most samples that a picture has there (the bitstream specification's annex A).
    private static ReadOnlySpan<int> MostSamples =>
    [
        10, 36_864, 11, 73_728, 20, 122_880, 21, 245_760, 30, 552_960, 31, 983_040, 40, 2_228_224, 41, 2_228_224,
        50, 8_912_896, 51, 8_912_896, 52, 8_912_896, 60, 35_651_584, 61, 35_651_584, 62, 35_651_584,
    ];

    /// <summary>Of a publisher, with the box's version or without it.</summary>
    /// <param name="body">As it stands in the box.</param>
    public static bool TryRead(ReadOnlySpan<byte> record, out byte[] body, out string fault)
    {
        body = [];
        // Version 1 and no flags: read as a record it would be profile 1 of level 0, which there is not.
        var rest = record is [1, 0, 0, 0, ..] ? record[Head..] : record;
        fault = rest.Length < Length - Head ? "cut short"
            : rest[0] > 3 ? $"profile {rest[0]}, which does not exist"
            : rest[2] >> 4 is not (8 or 10 or 12) ? $"{rest[2] >> 4} bits"
            : "";
        if (fault.Length > 0)
        {
            fault = "the VP9 configuration record: " + fault;
            return false;
        }
        // VP9 has no initialization data, and who sends some has it passed over.
        body = [1, 0, 0, 0, .. rest[..6], 0, 0];
        return true;
    }

    /// <summary>What the configuration says and a keyframe has.</summary>
    internal static Track TrackOf(ReadOnlySpan<byte> configuration, in Vp9Header header)
    {
        var body = configuration.ToArray();
        body[ProfileAt] = (byte)header.Profile;
        body[LevelAt] = (byte)LevelOf(body[LevelAt], header.Width * header.Height);
        // 4:2:0 comes in two ways, by where the colours' samples lie, and the header does not know which.
        var chroma = header.Chroma <= 1 ? Math.Min((body[FormatAt] >> 1) & 7, 1) : header.Chroma;
        body[FormatAt] = (byte)((header.BitDepth << 4) | (chroma << 1) | (header.IsFullRange ? 1 : 0));
        return new Track { Kind = TrackKind.Video, Codec = Codec.Vp9, Configuration = body, CodecName = NameOf(body), Width = header.Width, Height = header.Height };
    }

    /// <summary>Its size is the track's own: the configuration has none.</summary>
    internal static bool TryReadPicture(Track track, out SequenceParameters picture, out string fault)
    {
        picture = new(track.Width, track.Height, track.Width, track.Height, 1, 1, 0);
        fault = track.Configuration.Length == Length ? "" : "the VP9 configuration: of another length";
        return fault.Length == 0;
    }

    /// <summary>The one told, unless there is none of that number or its pictures are smaller: an encoder that grows its pictures does not always say so.</summary>
    private static int LevelOf(int told, int samples)
    {
        var least = 0;
        for (var i = 0; i < MostSamples.Length; i += 2)
        {
            if (MostSamples[i + 1] < samples)
                continue;
            least = least == 0 ? MostSamples[i] : least;
            if (MostSamples[i] == told)
                return told;
        }
        return least;
    }

    /// <summary>The four that must be told, and all of them where one is not as it is without (the binding's "Codecs Parameter String").</summary>
    private static string NameOf(ReadOnlySpan<byte> body)
    {
        var (chroma, range) = ((body[FormatAt] >> 1) & 7, body[FormatAt] & 1);
        var colours = body.Slice(ColoursAt, 3);
        var name = string.Create(CultureInfo.InvariantCulture, $"vp09.{body[ProfileAt]:00}.{body[LevelAt]:00}.{body[FormatAt] >> 4:00}");
        if (chroma <= 1 && range == 0 && colours.IndexOfAnyExcept((byte)Bt709, (byte)Unspecified) < 0)
            return name;
        return string.Create(CultureInfo.InvariantCulture, $"{name}.{chroma:00}.{colours[0]:00}.{colours[1]:00}.{colours[2]:00}.{range:00}");
    }
}
