using System.Globalization;

namespace XLive.Media.Codecs;

/// <summary>The AudioSpecificConfig of ISO/IEC 14496-3 1.6.2.1, as RTMP, FLV and MP4 carry it.</summary>
public static class AacConfiguration
{
    // With a program config element and its comment some 300 bytes.
    private const int Longest = 512;

    /// <param name="track">Its sampling rate is what is heard: with SBR twice that of the frames.</param>
    public static bool TryRead(ReadOnlySpan<byte> audioSpecificConfig, out Track? track, out string fault)
    {
        track = null;
        if (audioSpecificConfig.Length > Longest)
        {
            fault = "the AudioSpecificConfig: more than 512 bytes";
            return false;
        }
        if (!AacParameters.TryRead(audioSpecificConfig, out var parameters, out fault))
            return false;
        track = new Track
        {
            Kind = TrackKind.Audio,
            Codec = Codec.Aac,
            Configuration = audioSpecificConfig.ToArray(),
            CodecName = string.Create(CultureInfo.InvariantCulture, $"mp4a.40.{parameters.NamedType}"),
            SampleRate = parameters.SampleRate,
            // Parametric stereo makes two of one.
            Channels = parameters.NamedType == 29 && parameters.Channels == 1 ? 2 : parameters.Channels,
        };
        return true;
    }
}
