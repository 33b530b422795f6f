using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Inputs;

/// <summary>A configuration and a frame of each codec, as small as they come.</summary>
/// <param name="Name">Its FourCC.</param>
internal sealed record MediaVector(string Name, string Configuration, string Frame)
{
    public static MediaVector Of(string name, string configuration, string frame) =>
        new(name, Fuzzer.Latin(Convert.FromHexString(configuration)), Fuzzer.Latin(Convert.FromHexString(frame)));
}

internal static class MediaVectors
{
    public static readonly MediaVector[] Videos =
    [
        MediaVector.Of("avc1", "0142c00cffe100196742c00cd901419f9f011000000300100000030320f142a48001000568cb83cb20", "00000003658884"),
        MediaVector.Of("hvc1", "0101600000009000000000003cf000fcfdf8f800000f03200001001840010c01ffff01600000030090000003000003003c959409210001002b42010101600000030090000003000003003ca00a080c1f3e595952930bc05a02000003000200000300321022000100064401c073c189", "000000042601af13"),
        MediaVector.Of("av01", "81000c000a0b000000043cfeccdaf90040", "12000a0b000000043cfeccdaf90040320310aabb"),
        MediaVector.Of("vp09", "01000000000a820202020000", "824983420005f003f006"),
    ];

    public static readonly MediaVector[] Audios =
    [
        MediaVector.Of("Opus", "4f707573486561640102380180bb0000000000", "f8aabb"),
        MediaVector.Of("fLaC", "664c6143800000221200120000019200051d0bb802f00002328084c061f124b9a7efe6253e714ead116f", "fff85a8800374e"),
        // 32 kbit/s at 48 kHz, two channels
        MediaVector.Of("ac-3", "", "0b7700000040" + "40" + new string('0', 2 * 121)),
        MediaVector.Of("ec-3", "", "0b77001f3480" + new string('0', 2 * 58)),
        MediaVector.Of("mp4a", "1190", "2110"),
        MediaVector.Of(".mp3", "", "fffb9464aa"),
    ];
}
