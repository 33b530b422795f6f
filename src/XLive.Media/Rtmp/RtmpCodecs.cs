using System.Text;
using XLive.Media.Amf;
using XLive.Media.Codecs;

namespace XLive.Media.Rtmp;

/// <summary>
/// What a peer says at connect of the codecs that it takes beside H.264, AAC and MP3 (Enhanced RTMP v2: fourCcList, and the maps with what it can do with each), a client
/// in its command and a server in its answer; and what is said to both.
/// </summary>
/// <param name="IsEnhanced">It said anything of Enhanced RTMP.</param>
/// <param name="IsNamed">It named codecs, or said that there are none.</param>
/// <param name="Taken">With the three that everybody takes.</param>
public readonly record struct RtmpCodecs(bool IsEnhanced, bool IsNamed, CodecSet Taken)
{
    private const int Decodes = 1;
    private const int Forwards = 4;

    // capsEx: several tracks; modifiers of a message's head, nanoseconds among them.
    private const int MultitrackCapability = 2;
    private const int ModifierCapability = 4;
    private const int NanosecondCapability = 8;

    private static readonly CodecSet Everybodys = CodecSet.Of(Codec.H264, Codec.Aac, Codec.Mp3);

    /// <summary>Of a peer that says nothing.</summary>
    public static RtmpCodecs Old { get; } = new(false, false, Everybodys);

    public bool Takes(Codec codec) => Taken.Has(codec);

    internal static RtmpCodecs Read(AmfObject? said)
    {
        if (said is null)
            return Old;
        var taken = Everybodys;
        var list = said["fourCcList"].Items;
        foreach (var name in list ?? [])
            taken = taken.With(Named(name.Text));
        var (video, audio) = (said["videoFourCcInfoMap"].Object, said["audioFourCcInfoMap"].Object);
        foreach (var map in (ReadOnlySpan<AmfObject?>)[video, audio])
        {
            foreach (var (name, value) in map?.Members ?? [])
            {
                if (value.Number is >= 0 and <= int.MaxValue and var can && ((int)can & (Decodes | Forwards)) != 0)
                    taken = taken.With(Named(name));
            }
        }
        bool isNamed = list is not null || video is not null || audio is not null;
        return new(isNamed || said["capsEx"].Number is not null, isNamed, taken);
    }

    private static CodecSet Named(string? name)
    {
        if (name == "*")
            return CodecSet.All;
        Span<byte> letters = stackalloc byte[4];
        if (name is not { Length: 4 } || !Encoding.ASCII.TryGetBytes(name, letters, out _))
            return default;
        foreach (var codec in (ReadOnlySpan<Codec>)[.. FourCc.Video, .. FourCc.Audio])
        {
            if (FourCc.Of(codec).SequenceEqual(letters))
                return CodecSet.Of(codec);
        }
        return default;
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
        amf.Member("capsEx", MultitrackCapability | ModifierCapability | NanosecondCapability);
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
