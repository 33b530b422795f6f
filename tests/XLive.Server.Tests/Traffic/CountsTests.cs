using XLive.Server.Traffic.Counters;

namespace XLive.Server.Tests.Traffic;

public sealed class CountsTests
{
    [Fact]
    public void Each_number_is_its_own()
    {
        for (var i = 0; i < Counts.Length; i++)
        {
            Counts a = default, b = default;
            a[i] = 1_000_000_007L << 20;
            b[i] = 5L << 50;
            var (sum, rest) = (a + b, a - b);
            for (var k = 0; k < Counts.Length; k++)
            {
                Assert.Equal(k == i ? a[i] + b[i] : 0, sum[k]);
                Assert.Equal(k == i ? a[i] - b[i] : 0, rest[k]);
                Assert.Equal(0, rest.Payable[k]);
                Assert.Equal(sum[k], sum.Payable[k]);
            }
            Assert.Equal(i == Counts.Kinds ? 0 : sum[i], sum.Bytes);
            Assert.Equal(i == Counts.Kinds ? sum[i] : 0, sum.Requests);
            Assert.Equal((false, true), (rest.IsZero, rest.Payable.IsZero));

            var written = new byte[Counts.MostWritten];
            ReadOnlySpan<byte> from = written.AsSpan(0, rest.Write(written));
            Assert.Equal(rest, Counts.Read(ref from));
        }
    }
}
