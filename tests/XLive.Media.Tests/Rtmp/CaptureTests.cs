using XLive.Media.Rtmp;
using static XLive.Media.Tests.Rtmp.ServerSessionTests;

namespace XLive.Media.Tests.Rtmp;

/// <summary>Publishers as they are: whatever pieces their bytes come in, the same events.</summary>
public class CaptureTests
{
    [Theory]
    [InlineData("ffmpeg-5.1", "key=K")]
    [InlineData("rtmp2sink-1.22", "")]
    [InlineData("librtmp-2.4", "")]
    public void What_programs_sent(string capture, string query)
    {
        byte[] input = Wire.Capture(capture);
        var whole = Play(input, input.Length);
        Assert.Equal("ConnectRequested live", whole[0]);
        Assert.Equal("PublishRequested cam " + query, whole[1]);
        Assert.StartsWith("Data 18/1@0:02000A6F6E4D65746144617461", whole[2], StringComparison.Ordinal);
        Assert.Equal(11, whole.Count(e => e.StartsWith("Video", StringComparison.Ordinal) && !e.EndsWith("1702000000", StringComparison.Ordinal)));
        Assert.InRange(whole.Count(e => e.StartsWith("Audio", StringComparison.Ordinal)), 18, 100);
        Assert.Equal("PublishEnded", whole[^1]);
        foreach (int piece in new[] { 1, 13, 1460 })
            Assert.Equal(whole, Play(input, piece));
    }

    private static List<string> Play(byte[] input, int piece)
    {
        var session = new RtmpServerSession(new Random(1));
        var events = new List<string>();
        foreach (byte[] part in Wire.Cut(input, piece))
        {
            ReadOnlyMemory<byte> rest = part;
            while (session.Read(rest, 0, out int consumed, out var occurred))
            {
                rest = rest[consumed..];
                events.Add(Print(occurred));
                if (session.IsWaiting)
                    session.Accept();
            }
        }
        return events;
    }
}
