using System.Buffers;
using System.Security.Cryptography;
using XLive.Media.Rtmp;

namespace XLive.Media.Tests.Rtmp;

public class HandshakeTests
{
    private const int Length = 1536;

    [Theory]
    [InlineData("ffmpeg-5.1", 0)]
    [InlineData("rtmp2sink-1.22", -1)]
    [InlineData("librtmp-2.4", -1)]
    public void What_programs_send_is_recognised(string capture, int scheme) =>
        Assert.Equal(scheme, HandshakeDigest.SchemeOf(Wire.Capture(capture).AsSpan(1, Length)));

    [Theory]
    [InlineData(0, 8)]
    [InlineData(1, 772)]
    public void A_signed_handshake_is_answered_by_its_scheme(int scheme, int place)
    {
        byte[] c1 = Wire.Bytes(Length, scheme);
        HandshakeDigest.SignClient(c1, scheme);
        var (s1, s2) = Answer(c1, Length + 1);

        // Written again, as librtmp checks it.
        int at = Offset(s1, place);
        Assert.Equal(HMACSHA256.HashData("Genuine Adobe Flash Media Server 001"u8, [.. s1[..at], .. s1[(at + 32)..]]), s1[at..(at + 32)]);
        int client = Offset(c1, place);
        byte[] tail = Convert.FromHexString("F0EEC24A8068BEE82E00D0D1029E7E576EEC5D2D29806FAB93B8E636CFEB31AE");
        byte[] key = HMACSHA256.HashData((byte[])[.. "Genuine Adobe Flash Media Server 001"u8, .. tail], c1[client..(client + 32)]);
        Assert.Equal(HMACSHA256.HashData(key, s2[..^32]), s2[^32..]);
        Assert.True(s1[4] >= 3); // below that FFmpeg does not look for a digest
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void All_others_get_their_echo(bool versioned)
    {
        byte[] c1 = Wire.Bytes(Length);
        if (!versioned)
            c1.AsSpan(4, 4).Clear();
        var (s1, s2) = Answer(c1, 700);
        Assert.Equal([0, 0, 0x30, 0x39], s1[..4]);
        Assert.Equal([0, 0, 0, 0], s1[4..8]);
        Assert.Equal(c1, s2);
    }

    [Theory]
    [InlineData('G')]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(32)]
    [InlineData(0x16)] // a TLS ClientHello
    [InlineData(255)]
    public void What_is_none_is_refused_at_the_first_byte(byte first)
    {
        var fault = Assert.Throws<RtmpException>(() => new ServerHandshake(new Random(1)).Read([first], 0, new ArrayBufferWriter<byte>()));
        Assert.Equal(RtmpFault.NotRtmp, fault.Fault);
    }

    [Fact]
    public void Our_client_and_our_server_agree_in_pieces_of_any_size()
    {
        foreach (int piece in new[] { 1, 2, 700, 1536, 1537, 4000 })
        {
            var (toServer, toClient) = (new ArrayBufferWriter<byte>(), new ArrayBufferWriter<byte>());
            var server = new ServerHandshake(new Random(1));
            var client = new ClientHandshake();
            ClientHandshake.Begin(5, new Random(2), toServer);
            int sent = 0, answered = 0;
            while (!server.IsDone || !client.IsDone)
            {
                var next = toServer.WrittenSpan[sent..];
                sent += server.Read(next[..Math.Min(piece, next.Length)], 7, toClient);
                next = toClient.WrittenSpan[answered..];
                answered += client.Read(next[..Math.Min(piece, next.Length)], 9, toServer);
            }
            Assert.Equal(1 + (2 * Length), toServer.WrittenCount);
            Assert.Equal(1 + (2 * Length), toClient.WrittenCount);
            // C2 is S1 with the time at which it was read.
            Assert.Equal(toClient.WrittenSpan[9..1537], toServer.WrittenSpan[1545..]);
        }
    }

    [Fact]
    public void What_is_behind_it_is_left()
    {
        var handshake = new ServerHandshake(new Random(1));
        byte[] all = [3, .. Wire.Bytes(Length), .. Wire.Bytes(Length), 0x43, 0x44];
        Assert.Equal(all.Length - 2, handshake.Read(all, 0, new ArrayBufferWriter<byte>()));
        Assert.True(handshake.IsDone);
        Assert.Equal(0, handshake.Read([1, 2, 3], 0, new ArrayBufferWriter<byte>()));
    }

    private static int Offset(byte[] packet, int place) => place + 4 + ((packet[place] + packet[place + 1] + packet[place + 2] + packet[place + 3]) % 728);

    private static (byte[] S1, byte[] S2) Answer(byte[] c1, int piece)
    {
        var output = new ArrayBufferWriter<byte>();
        var handshake = new ServerHandshake(new Random(3));
        foreach (byte[] part in Wire.Cut([3, .. c1], piece))
            Assert.Equal(part.Length, handshake.Read(part, 12345, output));
        byte[] answer = output.WrittenSpan.ToArray();
        Assert.Equal(1 + (2 * Length), answer.Length);
        Assert.Equal(3, answer[0]);
        return (answer[1..(1 + Length)], answer[(1 + Length)..]);
    }
}
