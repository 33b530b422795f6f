using System.Globalization;
using System.Text;

namespace XLive.Server.Tests.Delivery;

public sealed class RangeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private readonly TestServer _server = shared.Server;

    [Theory]
    [InlineData("bytes=0-0", 0, 1)]
    [InlineData("bytes=0-99", 0, 100)]
    [InlineData("bytes=500-599", 500, 100)]
    [InlineData("bytes=9999-9999", 9999, 1)]
    [InlineData("bytes=9999-", 9999, 1)]
    [InlineData("bytes=0-", 0, 10_000)]
    [InlineData("bytes=5000-", 5000, 5000)]
    [InlineData("bytes=9000-99999", 9000, 1000)]
    [InlineData("bytes=-1", 9999, 1)]
    [InlineData("bytes=-300", 9700, 300)]
    [InlineData("bytes=-10000", 0, 10_000)]
    [InlineData("bytes=-99999", 0, 10_000)]
    [InlineData("BYTES=10-19", 10, 10)]
    [InlineData("bytes=, 10-19 ,", 10, 10)]
    [InlineData("bytes=10-19,20000-", 10, 10)] // one that stands is answered like a single one
    [InlineData("bytes=9223372036854775807-,1-2", 1, 2)]
    [InlineData("bytes=1-9223372036854775807", 1, 9999)]
    [InlineData("bytes=1-18446744073709551616", 1, 9999)]
    [InlineData("bytes=1-99999999999999999999999999999999999", 1, 9999)]
    [InlineData("bytes=-18446744073709551617", 0, 10_000)]
    public void One_range_is_answered_with_its_bytes(string range, int first, int length)
    {
        var answer = _server.Fetch("/films/a.ts", "Range: " + range);
        Assert.Equal(206, answer.Status);
        Assert.Equal($"bytes {first}-{first + length - 1}/10000", answer["Content-Range"]);
        Assert.Equal(length, answer.ContentLength);
        Assert.Equal("video/mp2t", answer["Content-Type"]);
        Assert.Equal("bytes", answer["Accept-Ranges"]);
        Assert.NotNull(answer["ETag"]);
        Assert.NotNull(answer["Last-Modified"]);
        Assert.NotNull(answer["Date"]);
        Assert.Contains("immutable", answer["Cache-Control"]);
        Pattern.AssertSame(shared.SmallBytes.AsSpan(first, length), answer.Body);
    }

    [Theory]
    [InlineData("bytes=10000-")]
    [InlineData("bytes=10000-10001")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=9223372036854775807-")]
    [InlineData("bytes=9223372036854775808-")]
    [InlineData("bytes=18446744073709551616-18446744073709551617")]
    [InlineData("bytes=18446744073709551616-")] // 2^64: wraps to 0 where someone forgot
    [InlineData("bytes=20000-,30000-,-0")]
    public void A_range_beyond_the_end_is_416(string range)
    {
        var answer = _server.Fetch("/films/a.ts", "Range: " + range);
        Assert.Equal(416, answer.Status);
        Assert.Equal("bytes */10000", answer["Content-Range"]);
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.Null(answer["ETag"]);
        Assert.True(answer.Body.Length < 300);
    }

    [Theory]
    [InlineData("bytes=0-")]
    [InlineData("bytes=0-0")]
    [InlineData("bytes=-1")]
    public void An_empty_file_has_no_range(string range)
    {
        var answer = _server.Fetch("/films/empty.ts", "Range: " + range);
        Assert.Equal(416, answer.Status);
        Assert.Equal("bytes */0", answer["Content-Range"]);
        var whole = _server.Fetch("/films/empty.ts");
        Assert.Equal((200, 0L), (whole.Status, whole.ContentLength));
    }

    [Theory]
    [InlineData("items=0-5")]
    [InlineData("bytes=")]
    [InlineData("bytes")]
    [InlineData("bytes=,")]
    [InlineData("bytes=-")]
    [InlineData("bytes=a-b")]
    [InlineData("bytes=5-2")]
    [InlineData("bytes=0-5,x")]
    [InlineData("bytes=0x0-5")]
    [InlineData("bytes=+1-5")]
    [InlineData("bytes=--5")]
    [InlineData("bytes=1 -5")]
    [InlineData("bytes =0-5")]
    [InlineData("bytes=0-5;6-7")]
    public void A_range_that_is_none_is_ignored(string range)
    {
        var answer = _server.Fetch("/films/a.ts", "Range: " + range);
        Assert.Equal(200, answer.Status);
        Assert.Null(answer["Content-Range"]);
        Pattern.AssertSame(shared.SmallBytes, answer.Body);
    }

    [Fact]
    public void Two_range_headers_are_none()
    {
        var answer = _server.Fetch("/films/a.ts", "Range: bytes=0-1", "Range: bytes=5-6");
        Assert.Equal(200, answer.Status);
        Pattern.AssertSame(shared.SmallBytes, answer.Body);
    }

    [Fact]
    public void HEAD_tells_of_the_whole_file_whatever_the_range()
    {
        var answer = _server.Ask("HEAD", "/films/a.ts", "Range: bytes=1-2");
        Assert.Equal((200, 10_000L), (answer.Status, answer.ContentLength));
        Assert.Null(answer["Content-Range"]);
    }

    [Theory]
    [InlineData("films/a.ts", "bytes=0-9,100-199")]
    [InlineData("films/a.ts", "bytes=100-199,0-9")] // in the order asked for
    [InlineData("films/a.ts", "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,-1")]
    [InlineData("films/a.ts", "bytes=0-9,10-19")] // side by side is not twice
    [InlineData("films/large.ts", "bytes=1048570-1048580,0-1048569,-5")]
    [InlineData("films/large.ts", "bytes=3145700-,5-2000000")]
    public void Several_ranges_come_as_multipart_with_exact_bytes(string file, string range)
    {
        var content = file.Contains("large", StringComparison.Ordinal) ? shared.LargeBytes : shared.SmallBytes;
        using var client = _server.Connect();
        var answer = client.Ask("GET", TestServer.Signed("/" + file), "Range: " + range);
        Assert.Equal(206, answer.Status);
        Assert.Null(answer["Content-Range"]);
        Assert.NotNull(answer["ETag"]);
        var type = answer["Content-Type"]!;
        Assert.StartsWith("multipart/byteranges; boundary=", type);
        var boundary = type[(type.IndexOf('=') + 1)..];
        using var wanted = new MemoryStream();
        var parts = range["bytes=".Length..].Split(',');
        for (var i = 0; i < parts.Length; i++)
        {
            var (first, last) = Positions(parts[i], content.Length);
            var between = i == 0 ? "" : "\r\n";
            wanted.Write(Encoding.ASCII.GetBytes($"{between}--{boundary}\r\nContent-Type: video/mp2t\r\nContent-Range: bytes {first}-{last}/{content.Length}\r\n\r\n"));
            wanted.Write(content, first, last - first + 1);
        }
        wanted.Write(Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n"));
        Pattern.AssertSame(wanted.ToArray(), answer.Body);
        // Nothing was sent too much: the connection goes on.
        Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
    }

    private static (int First, int Last) Positions(string range, int length)
    {
        var dash = range.IndexOf('-');
        int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
        if (dash == 0)
            return (length - Number(range[1..]), length - 1);
        return (Number(range[..dash]), dash == range.Length - 1 ? length - 1 : Number(range[(dash + 1)..]));
    }

    [Theory]
    [InlineData("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16")] // nine
    [InlineData("bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,20000-")] // nine, one of them beyond the end
    [InlineData("bytes=0-9,5-14")]
    [InlineData("bytes=0-9,9-20")]
    [InlineData("bytes=0-,0-")]
    [InlineData("bytes=-5,0-")]
    public void Too_many_or_overlapping_ranges_are_the_whole_file(string range)
    {
        var answer = _server.Fetch("/films/a.ts", "Range: " + range);
        Assert.Equal(200, answer.Status);
        Assert.Equal("video/mp2t", answer["Content-Type"]);
        Pattern.AssertSame(shared.SmallBytes, answer.Body);
    }

    [Fact]
    public void Ranges_of_a_large_file_join_to_the_file()
    {
        using var client = _server.Connect();
        using var all = new MemoryStream();
        for (var at = 0; at < SharedServer.Large; at += 700_001)
        {
            var last = Math.Min(at + 700_000, SharedServer.Large - 1);
            var answer = client.Ask("GET", TestServer.Signed("/films/large.ts"), $"Range: bytes={at}-{last}");
            Assert.Equal($"bytes {at}-{last}/{SharedServer.Large}", answer["Content-Range"]);
            all.Write(answer.Body);
        }
        Pattern.AssertSame(shared.LargeBytes, all.ToArray());
    }

    [Fact]
    public void A_playlist_that_is_written_for_one_viewer_has_no_ranges()
    {
        var answer = _server.Fetch("/films/vod.m3u8", "Range: bytes=0-9");
        Assert.Equal(200, answer.Status);
        Assert.Null(answer["Content-Range"]);
        Assert.Null(answer["Accept-Ranges"]);
        Assert.EndsWith("#EXT-X-ENDLIST\n", answer.Text);
    }
}
