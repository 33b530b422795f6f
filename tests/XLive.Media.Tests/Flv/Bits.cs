namespace XLive.Media.Tests.Flv;

/// <summary>Parameter sets and tag bodies as encoders write them.</summary>
internal static class Bits
{
    // x264, 64x48 at 5 fps, and the same of another level.
    public static readonly byte[] Sps = Convert.FromHexString("67F4000A919C823D8088000003000800000300507891 2890".Replace(" ", "", StringComparison.Ordinal));
    public static readonly byte[] Pps = Convert.FromHexString("68EBE3C44844");
    public static readonly byte[] OtherSps = [.. Sps[..3], 0x0B, .. Sps[4..]];

    public static byte[] Record(byte[] sps, byte[] pps, int lengthSize = 4) =>
        [1, sps[1], sps[2], sps[3], (byte)(0xFC | (lengthSize - 1)), 0xE1, (byte)(sps.Length >> 8), (byte)sps.Length, .. sps, 1, (byte)(pps.Length >> 8), (byte)pps.Length, .. pps];

    public static byte[] Configuration(byte[] record) => [0x17, 0, 0, 0, 0, .. record];

    public static byte[] Video(int compositionTime, params byte[][] units) => Video(4, compositionTime, units);

    public static byte[] Video(int lengthSize, int compositionTime, params byte[][] units)
    {
        var body = new List<byte> { 0x27, 1, (byte)(compositionTime >> 16), (byte)(compositionTime >> 8), (byte)compositionTime };
        body.AddRange(Units(lengthSize, units));
        return [.. body];
    }

    public static byte[] Units(int lengthSize, params byte[][] units)
    {
        var bytes = new List<byte>();
        foreach (byte[] unit in units)
        {
            for (int i = lengthSize - 1; i >= 0; i--)
                bytes.Add((byte)(unit.Length >> (8 * i)));
            bytes.AddRange(unit);
        }
        return [.. bytes];
    }

    public static byte[] Idr => [0x65, 0x88, 0x84];
    public static byte[] Slice => [0x41, 0x9A, 0x24];
    public static byte[] Disposable => [0x01, 0x9E, 0x41];
    public static byte[] Sei => [0x06, 0x05, 0x01, 0xAA];
}
