using XLive.Fuzz.Engine;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Fuzz.Inputs;

/// <summary>A block as it lies on disk, beside the one that it should be: the same bytes to the last bit, or it is none.</summary>
public sealed class BlockFileFuzzer : Fuzzer<byte[]>
{
    private const int Length = 300;

    private static readonly DiskName Name1 = new(42, 7, 3);
    private static readonly byte[] Right = Make(Name1, 4 << 20);

    public override string Name => "disk-blocks";

    public override string Target => "`BlockFile`";

    protected override string[] Tokens { get; } = ["\0", "XLCB", "\x01", "\xff\xff\xff\xff", "\x80", "\0\0\0\0"];

    private static byte[] Make(DiskName name, long of)
    {
        var file = new byte[BlockFile.HeadSize + Length];
        new Random(1).NextBytes(file.AsSpan(BlockFile.HeadSize));
        BlockFile.WriteHead(file, name, of, file.AsSpan(BlockFile.HeadSize));
        return file;
    }

    protected override string Generate(Dice dice) => Latin(dice.Below(6) switch
    {
        0 => Make(Name1 with { Key = 43 }, 4 << 20),
        1 => Make(Name1 with { Version = 8 }, 4 << 20),
        2 => Make(Name1 with { Index = 2 }, 4 << 20),
        3 => Make(Name1, 5 << 20),
        _ => Right,
    });

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input) => input.Length >= BlockFile.HeadSize + Length
        && BlockFile.IsHeadOf(input.AsSpan(0, BlockFile.HeadSize), Name1, 4 << 20, Length)
        && BlockFile.AllAgree(input.AsSpan(0, BlockFile.HeadSize), input.AsSpan(BlockFile.HeadSize, Length));

    protected override void Verify(byte[] input, bool accepted) => FuzzFailure.Equal(input.AsSpan().StartsWith(Right), accepted, "the block");
}
