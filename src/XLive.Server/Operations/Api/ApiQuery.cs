using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Api;

/// <summary>What a call of the API asks for in its query.</summary>
internal static class ApiQuery
{
    /// <summary>Null: it is not there.</summary>
    public static string? One(HttpContext http, string name) => http.Request.Query[name] switch
    {
        { Count: 0 } => null,
        { Count: 1 } one => one[0],
        _ => throw Bad(name + ": given twice"),
    };

    /// <summary>How many entries a page has.</summary>
    public static int Page(HttpContext http, int usual, int most) => One(http, "limit") is not { } text ? usual
        : WholeNumber.TryRead(text, most, out var wanted) && wanted > 0 ? wanted
        : throw Bad($"limit: 1 to {most}");

    public static ProblemException Bad(string detail) => new(400, "bad_request", detail);
}
