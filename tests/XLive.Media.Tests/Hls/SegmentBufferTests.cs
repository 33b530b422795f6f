using System.Buffers;
using XLive.Media.Hls;
using XLive.Media.Tests.Codecs;

namespace XLive.Media.Tests.Hls;

public class SegmentBufferTests
{
    private static void Append(SegmentBuffer buffer, ReadOnlySpan<byte> bytes) => BuffersExtensions.Write(buffer, bytes);

    [Fact]
    public void Grows_without_moving_and_keeps_what_was_written()
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        var buffer = new SegmentBuffer(8 << 20);
        List<byte> expected = [];
        ReadOnlyMemory<byte> first = default;
        while (expected.Count < 7 << 20)
        {
            var bytes = new byte[random.Next(1, 100_000)];
            random.NextBytes(bytes);
            Append(buffer, bytes);
            expected.AddRange(bytes);
            if (first.IsEmpty)
                first = buffer.Bytes;
        }
        buffer.Seal();
        Assert.Equal(expected.Count, buffer.Length);
        Assert.True(buffer.Bytes.Span.SequenceEqual(expected.ToArray()), seed);
        Assert.True(buffer.Bytes.Span.Overlaps(first.Span, out var offset) && offset == 0);
        Assert.InRange(buffer.Taken - buffer.Length, 0, 4_095);
        Assert.False(buffer.IsOverfull);
        buffer.Release();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4_096)]
    [InlineData(4_097)]
    [InlineData(262_144)]
    [InlineData(262_145)]
    [InlineData(1 << 20)]
    public void Any_size_up_to_the_bound(int size)
    {
        var buffer = new SegmentBuffer(1 << 20);
        Append(buffer, new byte[size]);
        buffer.Seal();
        Assert.Equal((size, false), (buffer.Bytes.Length, buffer.IsOverfull));
        Assert.Equal(0, buffer.Bytes.Span.IndexOfAnyExcept((byte)0) + 1);
        buffer.Release();
    }

    [Fact]
    public void Beyond_the_bound_nothing_is_taken_and_nothing_breaks()
    {
        var buffer = new SegmentBuffer(1 << 20);
        for (var i = 0; i < 100; i++)
        {
            ((IBufferWriter<byte>)buffer).GetSpan(50_000).Fill(1);
            ((IBufferWriter<byte>)buffer).Advance(50_000);
        }
        Assert.True(buffer.IsOverfull);
        Assert.Equal(20 * 50_000, buffer.Length);
        buffer.Clear();
        Append(buffer, [1, 2, 3]);
        Assert.Equal((3, false), (buffer.Length, buffer.IsOverfull));
        buffer.Release();
    }

    [Fact]
    public void Stands_until_its_last_holder_is_done()
    {
        var buffer = new SegmentBuffer(1 << 20);
        Append(buffer, [1, 2, 3]);
        buffer.Seal();
        Assert.True(buffer.TryHold());
        buffer.Release();
        Assert.Equal([1, 2, 3], buffer.Bytes.ToArray());
        Assert.True(buffer.TryHold());
        buffer.Release();
        buffer.Release();
        Assert.False(buffer.TryHold());
    }

}

[Collection(nameof(ProcessMemory))]
public class SegmentMemoryTests
{
    /// <summary>Segments of unlike sizes come and go, some kept between: what is not held is not the process's.</summary>
    [Fact]
    public void Memory_goes_back_to_the_system()
    {
        var random = AvcConfigurationTests.Seeded(out var seed);
        var noise = new byte[3 << 20];
        Queue<SegmentBuffer> held = new();
        Fill(40);
        var before = Environment.WorkingSet;
        Fill(400);
        var kept = held.Sum(b => (long)b.Taken);
        var grown = Environment.WorkingSet - before;
        Assert.True(grown < 16 << 20, $"{grown >> 20} MiB more for {kept >> 20} MiB held; {seed}");
        while (held.TryDequeue(out var buffer))
            buffer.Release();
        var given = before - Environment.WorkingSet;
        Assert.True(given > kept - (24 << 20), $"{given >> 20} of {kept >> 20} MiB came back; {seed}");

        void Fill(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var buffer = new SegmentBuffer(64 << 20);
                BuffersExtensions.Write(buffer, noise.AsSpan(0, random.Next(100_000, noise.Length)));
                buffer.Seal();
                held.Enqueue(buffer);
                while (held.Count > 40)
                    held.Dequeue().Release();
            }
        }
    }
}
