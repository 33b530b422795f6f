using System.Globalization;
using Microsoft.Extensions.Primitives;
using XLive.Server.Door;
using XLive.Server.Settings;
using XLive.Server.Traffic.History;

namespace XLive.Server.Operations.Api;

/// <summary>What is asked of the history: from, to, by, sort, limit, offset, format, all with a bound. A wrong one is named in a 400.</summary>
internal sealed class TrafficQuery
{
    public const int MostRows = 10_000;
    private const int MostOffset = 100_000_000;
    private const int DefaultDays = 30;

    private TrafficQuery(long from, long to) => (From, To) = (from, to);

    /// <summary>Unix seconds, whole hours: from &lt;= t &lt; to.</summary>
    public long From { get; }

    public long To { get; }

    /// <summary>An hour, or a day.</summary>
    public long Span { get; private init; }

    public bool ByRequests { get; private init; }

    public int Limit { get; private init; }

    public int Offset { get; private init; }

    public bool Csv { get; private init; }

    /// <summary>Without a limit, CSV is everything.</summary>
    public bool All { get; private init; }

    public string? Uid { get; private init; }

    public static TrafficQuery Of(HttpRequest request, DateTimeOffset now)
    {
        long hour = now.ToUnixTimeSeconds() / TrafficHistory.Hour * TrafficHistory.Hour;
        long to = Time(request, "to", up: true) ?? hour + TrafficHistory.Hour;
        long from = Time(request, "from", up: false) ?? Math.Max(0, to - to % TrafficHistory.Day - DefaultDays * TrafficHistory.Day);
        if (from >= to)
        {
            throw Wrong("from", "is not before to");
        }
        bool csv = Choice(request, "format", "json", "csv") switch
        {
            null => request.GetTypedHeaders().Accept is { Count: > 0 } accept && accept.MaxBy(a => a.Quality ?? 1)!.MediaType == "text/csv",
            var format => format == "csv",
        };
        int? limit = Number(request, "limit", 1, MostRows);
        return new TrafficQuery(from, to)
        {
            Span = Choice(request, "by", "hour", "day") == "day" ? TrafficHistory.Day : TrafficHistory.Hour,
            ByRequests = Choice(request, "sort", "bytes", "requests") == "requests",
            Limit = limit ?? 100,
            Offset = Number(request, "offset", 0, MostOffset) ?? 0,
            Csv = csv,
            All = csv && limit is null && !request.Query.ContainsKey("offset"),
            Uid = One(request, "uid"),
        };
    }

    private static long? Time(HttpRequest request, string name, bool up)
    {
        if (One(request, name) is not { } text)
        {
            return null;
        }
        const DateTimeStyles utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        string[] forms = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm'Z'"];
        long seconds = text.Length <= 11 && WholeNumber.TryRead(text, out long unix) ? unix
            : DateTimeOffset.TryParseExact(text, forms, CultureInfo.InvariantCulture, utc, out DateTimeOffset time) && time.Year >= 1970 ? time.ToUnixTimeSeconds()
            : throw Wrong(name, "is neither unix seconds nor a time in UTC such as 2026-01-31 or 2026-01-31T15:00:00Z");
        long whole = seconds / TrafficHistory.Hour * TrafficHistory.Hour;
        return up && whole < seconds ? whole + TrafficHistory.Hour : whole;
    }

    private static int? Number(HttpRequest request, string name, int least, int most) =>
        One(request, name) is not { } text ? null
        : WholeNumber.TryRead(text, most, out int value) && value >= least ? value
        : throw Wrong(name, $"is not a number from {least} to {most}");

    private static string? Choice(HttpRequest request, string name, params string[] choices) =>
        One(request, name) is not { } text ? null
        : choices.Contains(text) ? text
        : throw Wrong(name, $"is not one of {string.Join(", ", choices)}");

    private static string? One(HttpRequest request, string name)
    {
        StringValues values = request.Query[name];
        return values.Count <= 1 ? values : throw Wrong(name, "is there more than once");
    }

    private static ProblemException Wrong(string name, string what) => new(400, "bad_request", $"The parameter {name} {what}.");
}
