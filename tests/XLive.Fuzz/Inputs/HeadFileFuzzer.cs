using System.Buffers.Binary;
using XLive.Fuzz.Engine;
using XLive.Server.Playback.Vod.Cache;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// The heads under one key as they lie on disk. Damaged bytes fail their checksum, so most inputs are given a right one: what a file holds must be
/// understood to its end, or refused. Few are left as they are.
/// </summary>
public sealed class HeadFileFuzzer : Fuzzer<byte[]>
{
    private const int Before = 16;

    private string _key = "";
    private List<DiskVariant> _variants = [];

    public override string Name => "disk-heads";

    public override string Target => "`HeadFile`";

    // A field of two empty strings is 8 bytes, a pair in a list that is doubled, and a variant of a dozen is an object.
    protected override int AllocationTimes => 16;

    protected override string[] Tokens { get; } =
    [
        "\0", "\0\0\0\0", "\x01\0\0\0", "\xff\xff\xff\xff", "\xff\xff\xff\x7f", "\x01\0", "\x10\0", "\x11\0", "\0\x04", "\xff\xff", "\xc8\0\0\0", "\x05\0\0\0ETag\"", "\xed\xa0\x80", "\xc3\xa9", "/a.ts", "\n",
    ];

    protected override string Generate(Dice dice)
    {
        var variants = Enumerable.Range(0, dice.OneIn(10) ? dice.Below(17) : 1 + dice.Below(2)).Select(_ => Variant(dice)).ToList();
        var file = HeadFile.Write(dice.Pick("/film/a.ts", "/film/\u00e9.mp4\n?v=1", "/"), variants)!;
        return (dice.OneIn(8) ? "as it is" : "") + Latin(file);
    }

    private static DiskVariant Variant(Dice dice) => new()
    {
        Version = (ulong)dice.Below(int.MaxValue), Length = 1 + dice.Below(int.MaxValue), Status = 200, Purges = dice.Below(5), AskedAt = 1_770_000_000, Received = 1_770_000_001,
        IsAuthorized = dice.OneIn(2), Origin = dice.Pick("origin:80", ""), Sent = Fields(dice, dice.Below(2)), Headers = Fields(dice, dice.OneIn(20) ? dice.Below(1000) : dice.Below(8)),
    };

    private static List<KeyValuePair<string, string>> Fields(Dice dice, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => KeyValuePair.Create(dice.Pick("ETag", "Vary", "Content-Type", "X-\u00e9"), dice.Pick("\"1\"", "X-Player", "video/mp2t", "", "\u65e5\u672c")))];

    protected override byte[] Read(string input)
    {
        if (input.StartsWith("as it is", StringComparison.Ordinal))
            return Bytes(input[8..]);
        var file = Bytes(input);
        if (file.Length < Before)
            return file;
        var right = HeadFile.Write("", [])!;
        right.AsSpan(0, 8).CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), file.Length - Before);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(12), Crc32C.Of(file.AsSpan(Before)));
        return file;
    }

    protected override bool Parse(byte[] input) => HeadFile.TryRead(input, out _key, out _variants);

    protected override void Verify(byte[] input, bool accepted)
    {
        if (!accepted)
            return;
        FuzzFailure.Unless(_variants.TrueForAll(static v => v is { Length: > 0, Status: 200 }));
        // There is one way to write it, so what was read is all that was there.
        FuzzFailure.Unless(HeadFile.Write(_key, _variants)!.AsSpan().SequenceEqual(input));
        // Any one bit of it otherwise is another checksum.
        if (input.Length > Before)
        {
            var at = input.Length * 7 / 11;
            input[at] ^= 0x10;
            FuzzFailure.Unless(!HeadFile.TryRead(input, out _, out _));
            input[at] ^= 0x10;
        }
    }
}
