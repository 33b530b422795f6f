using System.Text;
using XLive.Media.Amf;
using XLive.Media.Codecs;

namespace XLive.Media.Rtmp;

/// <summary>
/// What a client says at connect of the codecs that it takes beside H.264, AAC and MP3 (Enhanced RTMP v2: fourCcList, and the maps with what it can do with each); and
/// what is said in return.
/// </summary>
/// <param name="IsEnhanced">It said anything of it.</param>
/// <param name="Taken">A bit for each <see cref="Codec"/>.</param>
public readonly record struct RtmpCodecs(bool IsEnhanced, uint Taken)
{
    private const int Decodes = 1;
    private const int Forwards = 4;

    // capsEx: modifiers of a message's head, nanoseconds among them. Several tracks are read, but only one of them is carried.
    private const int ModifierCapability = 4;
    private const int NanosecondCapability = 8;

    public bool Takes(Codec codec) => codec is Codec.H264 or Codec.Aac or Codec.Mp3 || (Taken & (1u << (int)codec)) != 0;

    internal static RtmpCodecs Read(AmfObject? said)
    {
        if (said is null)
            return default;
        uint taken = 0;
        var list = said["fourCcList"].Items;
        foreach (var name in list ?? [])
            taken |= Named(name.Text);
        var (video, audio) = (said["videoFourCcInfoMap"].Object, said["audioFourCcInfoMap"].Object);
        foreach (var map in (ReadOnlySpan<AmfObject?>)[video, audio])
        {
            foreach (var (name, value) in map?.Members ?? [])
            {
                if (value.Number is >= 0 and <= int.MaxValue and var can && ((int)can & (Decodes | Forwards)) != 0)
                    taken |= Named(name);
            }
        }
        return new(list is not null || video is not null || audio is not null || said["capsEx"].Number is not null, taken);
    }

    private static uint Named(string? name)
    {
        if (name == "*")
            return uint.MaxValue;
        Span<byte> letters = stackalloc byte[4];
        if (name is not { Length: 4 } || !Encoding.ASCII.TryGetBytes(name, letters, out _))
            return 0;
        foreach (var codec in (ReadOnlySpan<Codec>)[.. FourCc.Video, .. FourCc.Audio])
        {
            if (FourCc.Of(codec).SequenceEqual(letters))
                return 1u << (int)codec;
        }
        return 0;
    }

    /// <summary>As members of an object: all that is carried, to be sent on as it came.</summary>
    internal static void Write(Amf0Writer amf)
    {
        amf.Name("fourCcList");
        amf.BeginStrictArray(FourCc.Video.Length + FourCc.Audio.Length);
        foreach (var codec in (ReadOnlySpan<Codec>)[.. FourCc.Video, .. FourCc.Audio])
            amf.Text(Encoding.ASCII.GetString(FourCc.Of(codec)));
        Write(amf, "videoFourCcInfoMap", FourCc.Video);
        Write(amf, "audioFourCcInfoMap", FourCc.Audio);
        amf.Member("capsEx", ModifierCapability | NanosecondCapability);
    }

    private static void Write(Amf0Writer amf, string name, ReadOnlySpan<Codec> codecs)
    {
        amf.Name(name);
        amf.BeginObject();
        foreach (var codec in codecs)
            amf.Member(Encoding.ASCII.GetString(FourCc.Of(codec)), Forwards);
        amf.End();
    }
}
