using System.Buffers;
using XLive.Media.Rtmp;
using static XLive.Media.Tests.Amf.Amf0Tests;

namespace XLive.Media.Tests.Rtmp;

public class ChunkReaderTests
{
    // RTMP 1.0, 5.3.2.1 and 5.3.2.2.
    [Fact]
    public void The_examples_of_the_specification()
    {
        string audio = new('0', 64);
        Assert.Equal(
            [$"8/12345@1000:{audio}", $"8/12345@1020:{audio}", $"8/12345@1040:{audio}", $"8/12345@1060:{audio}"],
            Wire.Messages(Hex($"03 0003E8 000020 08 39300000 {audio} 83 000014 {audio} C3 {audio} C3 {audio}")));

        byte[] video = Wire.Bytes(307);
        byte[] chunks = [.. Hex("04 0003E8 000133 09 3A300000"), .. video[..128], 0xC4, .. video[128..256], 0xC4, .. video[256..]];
        Assert.Equal($"9/12346@1000:{Convert.ToHexString(video)}", Assert.Single(Wire.Messages(chunks)));
        Assert.Equal(chunks, Wire.Message(4, 9, 12346, 1000, video));
    }

    [Theory]
    // The second byte is the lower one (5.3.1.1).
    [InlineData("00 00 00000A 000001 09 01000000 AA", "9/1@10:AA")]
    [InlineData("01 0501 00000A 000001 09 01000000 AA 8105 01 000001 BB", "9/1@10:AA 9/1@11:BB")]
    [InlineData("01 FFFF 00000A 000001 09 01000000 AA C1FFFF BB", "9/1@10:AA 9/1@20:BB")]
    // Message stream ids have their lowest byte first.
    [InlineData("03 00000A 000001 09 01020304 AA", "9/67305985@10:AA")]
    // Type 3 after type 0 adds that one's own time; after types 1 and 2 their delta.
    [InlineData("03 00000A 000001 09 01000000 AA C3 BB C3 CC", "9/1@10:AA 9/1@20:BB 9/1@30:CC")]
    [InlineData("03 00000A 000001 09 01000000 AA 43 000005 000002 08 BBBB C3 CCCC", "9/1@10:AA 8/1@15:BBBB 8/1@20:CCCC")]
    [InlineData("03 00000A 000001 09 01000000 AA 83 000005 BB C3 CC", "9/1@10:AA 9/1@15:BB 9/1@20:CC")]
    // A first chunk without a whole header: librtmp's ping, RTMPT's clients.
    [InlineData("42 000000 000006 04 000600000001", "4/0@0:000600000001")]
    [InlineData("42 000007 000001 04 00", "4/0@7:00")]
    [InlineData("82 000007 03 00000A 000001 09 01000000 AA", "0/0@7: 9/1@10:AA")]
    [InlineData("C2 03 00000A 000001 09 01000000 AA", "0/0@0: 9/1@10:AA")]
    // Nothing in it.
    [InlineData("03 00000A 000000 09 01000000 C3", "9/1@10: 9/1@20:")]
    // Times are modulo 2^32.
    [InlineData("03 FFFFFF 000001 09 01000000 FFFFFFFF AA 83 000002 BB", "9/1@4294967295:AA 9/1@1:BB")]
    // Extended: the time itself, and a delta.
    [InlineData("03 FFFFFF 000001 09 01000000 01000000 AA 83 FFFFFF 01000001 BB", "9/1@16777216:AA 9/1@33554433:BB")]
    [InlineData("03 FFFFFF 000001 09 01000000 00FFFFFF AA", "9/1@16777215:AA")]
    public void Headers(string hex, string messages)
    {
        byte[] input = Hex(hex);
        Assert.Equal(messages, string.Join(' ', Wire.Messages(input)));
        for (int cut = 1; cut < input.Length; cut++)
            Assert.Equal(messages, string.Join(' ', Wire.Messages(input, cut, input.Length)));
    }

    [Fact]
    public void Messages_of_several_chunk_streams_interleave()
    {
        var (a, b, c) = (Wire.Bytes(300, 1), Wire.Bytes(300, 2), Wire.Bytes(3, 3));
        byte[] input =
        [
            .. Hex("04 000001 00012C 09 01000000"), .. a[..128], .. Hex("05 000002 00012C 08 01000000"), .. b[..128], 0xC4, .. a[128..256],
            .. Hex("06 000003 000003 08 01000000"), .. c, 0xC5, .. b[128..256], 0xC5, .. b[256..], 0xC4, .. a[256..],
        ];
        string[] expected = [$"8/1@3:{Convert.ToHexString(c)}", $"8/1@2:{Convert.ToHexString(b)}", $"9/1@1:{Convert.ToHexString(a)}"];
        for (int cut = 0; cut < input.Length; cut++)
            Assert.Equal(expected, Wire.Messages(input, cut, input.Length));
        Assert.Equal(expected, Wire.Messages(input, 1));
    }

    // The third chunk has two bytes: fewer than an extended timestamp.
    [Theory]
    [InlineData(258, 0x01000000u, 0x55)]
    [InlineData(258, 0x01000000u, 0x01)]
    [InlineData(384, 0x01000000u, 0x01)]
    [InlineData(257, 0x00FFFFFFu, 0x00)]
    [InlineData(129, 0xFFFFFFFFu, 0xFF)]
    [InlineData(1000, 0x12345678u, 0x12)]
    public void An_extended_timestamp_is_repeated_or_not(int length, uint timestamp, byte filling)
    {
        // A payload that begins like the timestamp in each chunk, but for its fourth byte.
        byte[] payload = new byte[length];
        Array.Fill(payload, filling);
        for (int at = 0; at < length; at += 128)
        {
            Wire.UInt32(timestamp)[..3].AsSpan()[..Math.Min(3, length - at)].CopyTo(payload.AsSpan(at));
            if (at + 3 < length)
                payload[at + 3] = (byte)(timestamp + 1);
        }
        byte[] next = [7, 7];
        // What comes behind ends a short chunk that looks like a timestamp so far.
        foreach (bool repeats in new[] { true, false })
        {
            byte[] input = [.. Wire.Message(6, 9, 1, timestamp, payload, repeats: repeats), .. Wire.Message(4, 8, 1, 5, next)];
            string[] expected = [$"9/1@{timestamp}:{Convert.ToHexString(payload)}", "8/1@5:0707"];
            Assert.Equal(expected, Wire.Messages(input));
            Assert.Equal(expected, Wire.Messages(input, 1));
            for (int cut = 1; cut < input.Length; cut++)
                Assert.Equal(expected, Wire.Messages(input, cut, input.Length));
        }
    }

    [Fact]
    public void A_delta_that_is_extended_is_repeated_as_it_stood_or_as_what_it_came_to()
    {
        byte[] payload = Wire.Bytes(200);
        byte[] first = Hex("06 00000A 000001 09 01000000 AA");
        foreach (string repeated in new[] { "01000000", "0100000A", "" })
        {
            byte[] input = [.. first, .. Hex("46 FFFFFF 0000C8 09 01000000"), .. payload[..128], 0xC6, .. Hex(repeated), .. payload[128..]];
            string[] expected = ["9/1@10:AA", $"9/1@16777226:{Convert.ToHexString(payload)}"];
            for (int cut = 0; cut < input.Length; cut++)
                Assert.Equal(expected, Wire.Messages(input, cut, input.Length));
        }
    }

    [Fact]
    public void A_chunk_size_counts_from_the_next_chunk_on_whatever_is_under_way()
    {
        byte[] video = Wire.Bytes(1000);
        byte[] input = [.. Hex("06 000001 0003E8 09 01000000"), .. video[..128], .. Wire.Message(2, 1, 0, 0, Wire.UInt32(400)), 0xC6, .. video[128..528], 0xC6, .. video[528..928], 0xC6, .. video[928..]];
        Assert.Equal([$"9/1@1:{Convert.ToHexString(video)}"], Wire.Messages(input, 7));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(0x80000000u)]
    [InlineData(0xFFFFFFFFu)]
    public void A_chunk_size_that_cannot_be_is_a_fault(uint size) => Fails(RtmpFault.ChunkSize, Wire.Message(2, 1, 0, 0, Wire.UInt32(size)));

    [Theory]
    [InlineData(1u, 1)]
    [InlineData(65536u, 65536)]
    [InlineData(0x7FFFFFFFu, 0xFFFFFF)]
    public void A_chunk_size_may_be_anything_else(uint size, int counts)
    {
        var reader = new ChunkReader();
        Assert.False(reader.Read(Wire.Message(2, 1, 0, 0, Wire.UInt32(size)), out _, out _));
        Assert.Equal(counts, reader.ChunkSize);
    }

    [Fact]
    public void An_abort_drops_what_has_come_of_a_message()
    {
        byte[] begun = [.. Hex("06 000001 0003E8 09 01000000"), .. Wire.Bytes(128)];
        byte[] other = Wire.Message(6, 9, 1, 2, [1, 2]);
        Assert.Equal(["9/1@2:0102"], Wire.Messages([.. begun, .. Wire.Message(2, 2, 0, 0, Wire.UInt32(6)), .. other]));
        Fails(RtmpFault.ChunkHeader, [.. begun, .. other]);
        // Of a chunk stream that there is not, or that has nothing under way.
        foreach (uint id in new uint[] { 2, 7, 64, 70_000, uint.MaxValue })
            Assert.Equal(["9/1@2:0102"], Wire.Messages([.. Wire.Message(2, 2, 0, 0, Wire.UInt32(id)), .. other]));
    }

    [Fact]
    public void Limits()
    {
        Fails(RtmpFault.MessageTooLong, Hex("06 000001 800001 09 01000000"));
        Fails(RtmpFault.MessageTooLong, Hex("06 000001 010001 14 01000000"));
        Fails(RtmpFault.ControlMessage, Hex("02 000000 000003 01 00000000 000001"));

        byte[] many = [.. Enumerable.Range(0, RtmpLimits.ChunkStreams + 1).SelectMany(i => new byte[] { 0xC0, (byte)i })];
        Assert.Equal(RtmpLimits.ChunkStreams, Wire.Messages(many[..^2]).Count);
        Fails(RtmpFault.TooManyChunkStreams, many);
    }

    [Fact]
    public void What_has_not_come_takes_no_memory()
    {
        var reader = new ChunkReader();
        for (byte chunks = 2; chunks < 60; chunks++)
            Assert.False(reader.Read((byte[])[chunks, 0, 0, 1, 0x80, 0, 0, 9, 1, 0, 0, 0, .. new byte[128]], out _, out _));
        Assert.InRange(reader.Held, 1, 58 * 256);
    }

    [Fact]
    public void All_that_has_begun_is_bounded_together()
    {
        var reader = new ChunkReader();
        byte[] part = new byte[(6 << 20) + 1];
        reader.Read(Wire.Message(2, 1, 0, 0, Wire.UInt32((uint)part.Length)), out _, out _);
        var fault = Assert.Throws<RtmpException>(() =>
        {
            for (byte chunks = 3; chunks < 6; chunks++)
                reader.Read((byte[])[chunks, 0, 0, 1, 0x80, 0, 0, 9, 1, 0, 0, 0, .. part], out _, out _);
        });
        Assert.Equal(RtmpFault.TooMuchHeld, fault.Fault);
        Assert.InRange(reader.Held, 1, RtmpLimits.Held);
    }

    [Fact]
    public void Chunks_of_one_byte_cost_no_more_than_their_bytes()
    {
        byte[] payload = Wire.Bytes(1 << 18);
        byte[] input = [.. Wire.Message(2, 1, 0, 0, Wire.UInt32(1)), .. Wire.Message(6, 9, 1, 3, payload, 1)];
        var reader = new ChunkReader();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(reader.Read(input, out int consumed, out var message));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 3 << 18);
        Assert.Equal(input.Length, consumed);
        Assert.True(message.Payload.Span.SequenceEqual(payload));
    }

    [Fact]
    public void A_stream_under_way_allocates_nothing()
    {
        var reader = new ChunkReader();
        byte[] input = [.. Wire.Message(6, 9, 1, 3, Wire.Bytes(20_000)), .. Wire.Message(4, 8, 1, 3, Wire.Bytes(300)), .. Wire.Message(6, 9, 1, 4, Wire.Bytes(3_000))];
        Pass();
        int messages = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            messages += Pass();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(3000, messages);

        int Pass()
        {
            int count = 0;
            for (int at = 0; at < input.Length; at += 1460)
            {
                ReadOnlyMemory<byte> rest = input.AsMemory(at, Math.Min(1460, input.Length - at));
                for (; reader.Read(rest, out int consumed, out _); rest = rest[consumed..])
                    count++;
            }
            return count;
        }
    }

    [Fact]
    public void A_large_buffer_goes_after_a_minute_of_small_messages()
    {
        var reader = new ChunkReader();
        byte[] large = Wire.Message(6, 9, 1, 3, Wire.Bytes(1 << 20));
        byte[] small = Wire.Message(6, 9, 1, 3, Wire.Bytes(300));
        Assert.True(reader.Read(large, out _, out _));
        for (int i = 0; i < 4095; i++)
            Assert.True(reader.Read(small, out _, out _));
        Assert.Equal(1 << 20, reader.Held);
        Assert.True(reader.Read(small, out _, out _));
        Assert.Equal(0, reader.Held);
    }

    [Theory]
    [InlineData(0, 0u)]
    [InlineData(1, 5u)]
    [InlineData(128, 0xFFFFFEu)]
    [InlineData(129, 0xFFFFFFu)]
    [InlineData(5000, 0xFFFFFFFFu)]
    [InlineData(70_000, 0x01000000u)]
    public void What_is_written_is_read_again(int length, uint timestamp)
    {
        byte[] payload = Wire.Bytes(length);
        foreach (int chunkSize in new[] { 1, 128, 4096, 65536 })
        {
            foreach (int head in new[] { 0, Math.Min(5, length) })
            {
                var output = new ArrayBufferWriter<byte>();
                ChunkWriter.Write(output, ChunkWriter.VideoChunks, RtmpMessageType.Video, 1, timestamp, payload.AsSpan(0, head), payload.AsSpan(head), chunkSize);
                Assert.Equal(ChunkWriter.Length(length, timestamp, chunkSize), output.WrittenCount);
                Assert.Equal(Wire.Message(ChunkWriter.VideoChunks, 9, 1, timestamp, payload, chunkSize), output.WrittenSpan.ToArray());
                Assert.Equal([$"9/1@{timestamp}:{Convert.ToHexString(payload)}"],
                    Wire.Messages([.. Wire.Message(2, 1, 0, 0, Wire.UInt32((uint)chunkSize)), .. output.WrittenSpan], 1000));
            }
        }
    }

    private static void Fails(RtmpFault fault, byte[] input) => Assert.Equal(fault, Assert.Throws<RtmpException>(() => Wire.Messages(input)).Fault);
}
