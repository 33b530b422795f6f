using System.Globalization;
using XLive.Server.Playback.Http;

namespace XLive.Server.Tests.Cache;

/// <summary>The dates of RFC 9110 section 5.6.7.</summary>
public sealed class DateTests
{
    [Theory]
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sun Nov  6 08:49:37 1994")]
    public void Three_forms_are_the_same(string text)
    {
        Assert.True(Preconditions.TryDate(text, out var seconds));
        Assert.Equal(784_111_777, seconds);
    }

    [Theory]
    [InlineData(-40, -40)]
    [InlineData(0, 0)]
    [InlineData(30, 30)]
    [InlineData(49, 49)]
    [InlineData(51, -49)]
    public void Two_digits_are_at_most_fifty_years_ahead(int written, int meant)
    {
        var now = DateTimeOffset.UtcNow;
        var day = new DateTimeOffset(now.Year, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var text = day.AddYears(meant).ToString("dddd, ", CultureInfo.InvariantCulture)
            + day.AddYears(written).ToString("dd-MMM-yy HH:mm:ss 'GMT'", CultureInfo.InvariantCulture);
        Assert.True(Preconditions.TryDate(text, out var seconds), text);
        Assert.Equal(day.AddYears(meant).ToUnixTimeSeconds(), seconds);
    }

    [Theory]
    [InlineData("Nosday, 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sunday, 31-Feb-94 08:49:37 GMT")]
    [InlineData(", 06-Nov-94 08:49:37 GMT")]
    [InlineData("Sunday, ")]
    public void What_is_no_day_is_no_date(string text) => Assert.False(Preconditions.TryDate(text, out _));
}
