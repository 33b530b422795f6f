using XLive.Server.Playback.HttpFlv;

namespace XLive.Server.Tests.Live;

public sealed class ViewerFramesTests
{
    // A client's frame, from the drawing in RFC 6455 section 5.2.
    internal static byte[] Frame(int first, byte[] payload, bool masked = true)
    {
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)payload.Length],
            < 65536 => [126, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [127, 0, 0, 0, 0, 0, (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length],
        };
        byte[] mask = masked ? [0x37, 0xFA, 0x21, 0x3D] : [0, 0, 0, 0];
        length[0] |= (byte)(masked ? 0x80 : 0);
        return [(byte)first, .. length, .. masked ? mask : [], .. payload.Select((b, i) => (byte)(b ^ mask[i & 3]))];
    }

    private static List<string> Read(byte[] input, int piece)
    {
        var (frames, said) = (new ViewerFrames(), new List<string>());
        for (var at = 0; at < input.Length;)
        {
            var says = frames.Read(input.AsSpan(at, Math.Min(piece, input.Length - at)), out var consumed);
            at += consumed;
            if (says is ViewerSays.Faulty or ViewerSays.TooLong)
                return [.. said, says.ToString()];
            if (says != ViewerSays.Nothing)
                said.Add(says + " " + Convert.ToHexString(frames.Payload.Span));
        }
        return said;
    }

    private static void Check(byte[] input, params string[] said)
    {
        foreach (var piece in (int[])[1, 2, 3, 7, 64, int.MaxValue])
            Assert.Equal(said, Read(input, piece));
    }

    [Fact]
    public void Messages_are_passed_over_and_pings_and_the_close_come_out()
    {
        Check([
            .. Frame(0x81, new byte[5]), .. Frame(0x89, [1, 2, 3]), .. Frame(0x82, new byte[ViewerFrames.LongestMessage]),
            // A message in three frames, with a ping and a pong between them.
            .. Frame(0x02, new byte[300]), .. Frame(0x89, []), .. Frame(0x00, new byte[300]), .. Frame(0x8A, new byte[125]), .. Frame(0x80, []),
            .. Frame(0x88, [3, 0xE8, (byte)'b', (byte)'y', (byte)'e']),
        ], "Ping 010203", "Ping ", "Close 03E8627965");
    }

    [Theory]
    [InlineData(0x81, 5, false, "Faulty")] // not masked
    [InlineData(0x81, 0, false, "Faulty")]
    [InlineData(0xC1, 5, true, "Faulty")] // compressed, which nobody agreed to
    [InlineData(0x83, 5, true, "Faulty")]
    [InlineData(0x8B, 5, true, "Faulty")]
    [InlineData(0x80, 5, true, "Faulty")] // goes on with a message that has not begun
    [InlineData(0x09, 5, true, "Faulty")] // a control frame in pieces
    [InlineData(0x89, 126, true, "Faulty")]
    [InlineData(0x82, ViewerFrames.LongestMessage + 1, true, "TooLong")]
    public void What_no_client_may_send(int first, int length, bool masked, string fault) => Check(Frame(first, new byte[length], masked), fault);

    [Fact]
    public void A_message_that_never_ends_is_too_long() =>
        Check([.. Frame(0x02, new byte[60_000]), .. Frame(0x00, new byte[5000]), .. Frame(0x00, new byte[1000])], "TooLong");

    [Fact]
    public void A_message_within_a_message_is_none() => Check([.. Frame(0x02, [1]), .. Frame(0x82, [1])], "Faulty");
}
