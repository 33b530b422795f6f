namespace XLive.Server.Tests.Delivery;

/// <summary>Bytes that are the same in every run and at no two places of a file.</summary>
public static class Pattern
{
    public static byte[] Bytes(int length, int seed = 1)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Unlike Assert.Equal it compares megabytes at once and prints where they part instead of the megabytes.</summary>
    public static void AssertSame(ReadOnlySpan<byte> wanted, ReadOnlySpan<byte> actual)
    {
        var same = wanted.CommonPrefixLength(actual);
        Assert.True(same == wanted.Length && same == actual.Length,
            $"differ at byte {same}; wanted {wanted.Length} bytes, got {actual.Length}");
    }
}
