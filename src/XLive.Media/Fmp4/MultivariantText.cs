using System.Text;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>What a multivariant playlist says of one stream. Another object whenever it says something else.</summary>
/// <param name="StreamInf">EXT-X-STREAM-INF as far as it is measured.</param>
/// <param name="IsIndependent">Every segment can be begun with.</param>
public sealed record Variant(string StreamInf, Track? Video, Track? Audio, double FrameRate, bool IsIndependent)
{
    public bool IsDemuxed => Video is not null && Audio is not null;

    /// <summary>A decoder need not be told that it is another's.</summary>
    public bool HasSoundOf(Variant other) => IsDemuxed && other.IsDemuxed && Audio!.CodecName == other.Audio!.CodecName && Audio.SampleRate == other.Audio.SampleRate
        && Audio.Channels == other.Audio.Channels && Audio.Configuration.Span.SequenceEqual(other.Audio.Configuration.Span);
}

/// <param name="BaseUri">Before the names of its playlists.</param>
/// <param name="Group">Of its sound.</param>
/// <param name="SoundUri">The same before the playlist of that: its own, or that of the stream whose sound it has in common.</param>
public readonly record struct PlacedVariant(Variant Variant, string BaseUri, string Group, string SoundUri);

/// <summary>One multivariant playlist of streams that are the same in another quality. Groups of sound have the same member, as they must (bis 4.4.6.1.1).</summary>
public static class MultivariantText
{
    public static PlaylistForms Write(IReadOnlyList<PlacedVariant> variants, bool isWhole)
    {
        var (hasGroups, isIndependent) = (false, true);
        foreach (var (variant, _, _, _) in variants)
        {
            hasGroups |= variant.IsDemuxed;
            isIndependent &= variant.IsIndependent;
        }
        var text = new StringBuilder(512 * variants.Count);
        text.Append("#EXTM3U\n#EXT-X-VERSION:").Append(hasGroups ? '4' : '3').Append('\n');
        if (isIndependent)
            text.Append("#EXT-X-INDEPENDENT-SEGMENTS\n");
        for (var i = 0; i < variants.Count; i++)
        {
            var (variant, _, group, soundUri) = variants[i];
            if (!variant.IsDemuxed || IsKnown(variants, i))
                continue;
            text.Append("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"").Append(group).Append("\",NAME=\"Audio\",DEFAULT=YES,AUTOSELECT=YES");
            if (variant.Audio!.Channels > 0)
                text.Append(",CHANNELS=\"").Append(variant.Audio.Channels).Append('"');
            text.Append(",URI=\"").Append(soundUri).Append(CmafName.OfPlaylist(TrackKind.Audio, isWhole)).Append("\"\n");
        }
        foreach (var (variant, baseUri, group, _) in variants)
        {
            text.Append(variant.StreamInf);
            if (variant.IsDemuxed)
                text.Append(",AUDIO=\"").Append(group).Append('"');
            text.Append('\n').Append(baseUri).Append(CmafName.OfPlaylist(variant.Video is null ? TrackKind.Audio : TrackKind.Video, isWhole)).Append('\n');
        }
        return new PlaylistForms(Encoding.ASCII.GetBytes(text.ToString()));
    }

    /// <summary>One before it has named the group.</summary>
    private static bool IsKnown(IReadOnlyList<PlacedVariant> variants, int index)
    {
        for (var i = 0; i < index; i++)
        {
            if (variants[i].Variant.IsDemuxed && variants[i].Group == variants[index].Group)
                return true;
        }
        return false;
    }
}
