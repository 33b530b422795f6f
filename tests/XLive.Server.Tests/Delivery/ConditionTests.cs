using System.Globalization;

namespace XLive.Server.Tests.Delivery;

/// <summary>RFC 9110 section 13: conditions and their order.</summary>
public sealed class ConditionTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Same = "Mon, 06 May 2024 07:08:09 GMT";
    private const string Before = "Mon, 06 May 2024 07:08:08 GMT";
    private const string After = "Tue, 07 May 2024 00:00:00 GMT";

    private readonly TestServer _server = shared.Server;

    private string Tag => _server.Fetch("/films/a.ts")["ETag"]!;

    private Answer Fetch(params string[] headers) => _server.Fetch("/films/a.ts", [.. headers.Select(h => h.Replace("TAG", Tag, StringComparison.Ordinal))]);

    [Fact]
    public void Validators_are_strong_and_stay()
    {
        var answer = Fetch();
        Assert.Matches("^\"[^\"]+\"$", answer["ETag"]!);
        Assert.Equal(Same, answer["Last-Modified"]);
        Assert.Equal(answer["ETag"], Fetch()["ETag"]);
        Assert.NotEqual(answer["ETag"], _server.Fetch("/films/large.ts")["ETag"]);
        var head = _server.Ask("HEAD", "/films/a.ts");
        Assert.Equal(answer["ETag"], head["ETag"]);
    }

    [Fact]
    public void Two_versions_of_one_second_and_size_have_two_tags()
    {
        var name = "films/twice.bin";
        var tags = new HashSet<string>();
        for (var i = 0; i < 3; i++)
        {
            var path = _server.Write(name, Pattern.Bytes(1000, i));
            File.SetLastWriteTimeUtc(path, SharedServer.Modified.AddMilliseconds(i));
            string? tag = null;
            Until.True(() => !tags.Contains(tag = _server.Fetch("/" + name)["ETag"]!), "a new tag for new bytes");
            tags.Add(tag!);
        }
    }

    [Theory]
    [InlineData("If-None-Match: TAG")]
    [InlineData("If-None-Match: *")]
    [InlineData("If-None-Match: W/TAG")] // compared weakly
    [InlineData("If-None-Match: \"other\", TAG")]
    [InlineData("If-None-Match: \"with, comma\",W/\"x\" ,TAG, \"last\"")]
    [InlineData("If-None-Match: , ,TAG")]
    [InlineData("If-Modified-Since: " + Same)]
    [InlineData("If-Modified-Since: " + After)]
    [InlineData("If-Modified-Since: Monday, 06-May-24 07:08:09 GMT")]
    [InlineData("If-Modified-Since: Mon May  6 07:08:09 2024")]
    [InlineData("If-Modified-Since: Mon, 06 May 2024 07:08:09 GMT ")]
    public void What_the_viewer_has_is_304(string header)
    {
        using var client = _server.Connect();
        var answer = client.Ask("GET", TestServer.Signed("/films/a.ts"), header.Replace("TAG", Tag, StringComparison.Ordinal));
        Assert.Equal(304, answer.Status);
        Assert.Equal(Tag, answer["ETag"]);
        Assert.Equal(Same, answer["Last-Modified"]);
        Assert.Contains("immutable", answer["Cache-Control"]);
        Assert.NotNull(answer["Date"]);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        // Metadata of a body that is not sent (RFC 9110 section 15.4.5).
        Assert.Null(answer["Content-Type"]);
        Assert.Null(answer["Content-Range"]);
        Assert.Null(answer["Content-Encoding"]);
        Assert.Null(answer["Transfer-Encoding"]);
        // And truly nothing of a body was sent.
        Assert.Equal(200, client.Ask("GET", TestServer.Signed("/films/a.ts")).Status);
    }

    [Theory]
    [InlineData("If-None-Match: \"other\"")]
    [InlineData("If-None-Match: garbage")]
    [InlineData("If-None-Match: \"unclosed")]
    [InlineData("If-Modified-Since: " + Before)]
    [InlineData("If-Modified-Since: Sunday, 05-May-24 07:08:09 GMT")]
    [InlineData("If-Modified-Since: Sun May  5 07:08:09 2024")]
    [InlineData("If-Modified-Since: Mon Jan 10 07:08:09 2022")]
    [InlineData("If-Modified-Since: yesterday")]
    [InlineData("If-Modified-Since: Tue, 06 May 2024 07:08:09 GMT")] // no such day: not a date at all
    [InlineData("If-Modified-Since: 1714979289")]
    [InlineData("If-Match: TAG")]
    [InlineData("If-Match: *")]
    [InlineData("If-Match: \"other\", TAG")]
    [InlineData("If-Unmodified-Since: " + Same)]
    [InlineData("If-Unmodified-Since: " + After)]
    [InlineData("If-Unmodified-Since: rubbish")]
    public void What_the_viewer_lacks_is_200(string header)
    {
        var answer = Fetch(header);
        Assert.Equal(200, answer.Status);
        Pattern.AssertSame(shared.SmallBytes, answer.Body);
    }

    [Theory]
    [InlineData("If-Match: \"other\"")]
    [InlineData("If-Match: W/TAG")] // compared strongly
    [InlineData("If-Match: \"a\", \"b\"")]
    [InlineData("If-Unmodified-Since: " + Before)]
    [InlineData("If-Unmodified-Since: Sunday, 05-May-24 07:08:09 GMT")]
    [InlineData("If-Unmodified-Since: Sun May  5 07:08:09 2024")]
    public void Another_version_than_asked_for_is_412(string header)
    {
        var answer = Fetch(header);
        Assert.Equal(412, answer.Status);
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.True(answer.Body.Length < 300);
    }

    [Theory]
    [InlineData(412, "If-Match: \"other\"", "If-None-Match: TAG")]
    [InlineData(304, "If-Match: TAG", "If-None-Match: TAG")]
    [InlineData(304, "If-Match: TAG", "If-Unmodified-Since: " + Before, "If-None-Match: *")] // If-Match stands: the date is not asked
    [InlineData(412, "If-Unmodified-Since: " + Before, "If-None-Match: TAG")]
    [InlineData(200, "If-None-Match: \"other\"", "If-Modified-Since: " + After)] // the tag stands: the date is not asked
    [InlineData(304, "If-None-Match: TAG", "If-Modified-Since: " + Before)]
    [InlineData(304, "If-None-Match: TAG", "Range: bytes=0-1")]
    [InlineData(304, "If-None-Match: TAG", "Range: bytes=99999-")]
    [InlineData(304, "If-Modified-Since: " + Same, "Range: bytes=0-1")]
    [InlineData(412, "If-Match: \"other\"", "Range: bytes=0-1")]
    [InlineData(206, "If-Match: TAG", "Range: bytes=0-1")]
    [InlineData(206, "If-None-Match: \"other\"", "If-Range: TAG", "Range: bytes=0-1")]
    public void Conditions_are_asked_in_their_order(int status, params string[] headers) => Assert.Equal(status, Fetch(headers).Status);

    [Fact]
    public void Conditions_count_for_HEAD_too()
    {
        Assert.Equal(304, _server.Ask("HEAD", "/films/a.ts", "If-None-Match: " + Tag).Status);
        Assert.Equal(412, _server.Ask("HEAD", "/films/a.ts", "If-Match: \"other\"").Status);
    }

    [Theory]
    [InlineData(206, "TAG")]
    [InlineData(206, Same)]
    [InlineData(206, "Monday, 06-May-24 07:08:09 GMT")]
    [InlineData(206, "Mon May  6 07:08:09 2024")]
    [InlineData(200, "W/TAG")]
    [InlineData(200, "\"other\"")]
    [InlineData(200, Before)]
    [InlineData(200, After)] // exactly ours, or none
    [InlineData(200, "*")]
    [InlineData(200, "rubbish")]
    [InlineData(200, "TAG, \"other\"")]
    public void If_Range_lets_a_range_stand_for_the_same_version_alone(int status, string value)
    {
        var answer = Fetch("Range: bytes=100-199", "If-Range: " + value);
        Assert.Equal(status, answer.Status);
        Pattern.AssertSame(status == 206 ? shared.SmallBytes.AsSpan(100, 100) : shared.SmallBytes, answer.Body);
    }

    [Fact]
    public void If_Range_that_fails_hides_a_range_beyond_the_end() =>
        Assert.Equal(200, Fetch("Range: bytes=99999-", "If-Range: \"other\"").Status);

    [Fact]
    public void If_Range_without_a_range_is_nothing() => Assert.Equal(200, Fetch("If-Range: \"other\"").Status);

    [Fact]
    public void A_date_long_past_or_ahead_is_read_too()
    {
        foreach (var year in (int[])[1970, 1999, 9999])
        {
            var date = new DateTimeOffset(year, 12, 31, 23, 59, 59, TimeSpan.Zero);
            Assert.Equal(year == 9999 ? 304 : 200, Fetch("If-Modified-Since: " + date.ToString("R", CultureInfo.InvariantCulture)).Status);
        }
    }
}
