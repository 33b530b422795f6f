using System.Net;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Limits;
using XLive.Server.Sessions;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>Whose attempts are counted now, and who must wait; forgotten when somebody asks for it.</summary>
public sealed class LimitEndpoints(RateLimiters limiters, SessionTable table, AuditLog audit, AddressOf addressOf, IServiceProvider services)
{
    private const int DefaultPage = 100, LargestPage = 1000, LongestKey = 256;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<LimitEndpoints>();
        routes.MapMethods("/api/v1/limits", [HttpMethods.Get, HttpMethods.Head], (RequestDelegate)endpoints.ListAsync).Requires(Permission.Monitor);
        routes.MapDelete("/api/v1/limits", (RequestDelegate)endpoints.ClearAsync).Requires(Permission.Admin);
    }

    private sealed record Entry(string Name, RateLimit Limit, string Key, TimeSpan Outstanding, TimeSpan Wait)
    {
        public string Cursor => $"{Name} {Limit.By} {Limit.Window.Ticks} {Limit.Count} {Limit.Burst} {Key}";
    }

    private async Task ListAsync(HttpContext http)
    {
        var (name, key) = (NameOf(http), KeyOf(http));
        var most = ApiQuery.Page(http, DefaultPage, LargestPage);
        var after = ApiQuery.One(http, "cursor");
        List<Entry> found = [];
        foreach (var (ofName, limiter) in limiters.All)
        {
            if (name is not null && name != ofName)
                continue;
            foreach (var (limit, ofKey, outstanding, wait) in limiter.Outstanding())
            {
                if (key is null || key(ofKey))
                    found.Add(new Entry(ofName, limit, TextOf(ofKey), outstanding, wait));
            }
        }
        found.Sort(static (a, b) => string.CompareOrdinal(a.Cursor, b.Cursor));
        var page = found.SkipWhile(e => after is not null && string.CompareOrdinal(e.Cursor, after) <= 0).Take(most).ToList();
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteStartArray("limits");
            foreach (var entry in page)
                Write(json, entry);
            json.WriteEndArray();
            json.WriteString("next_cursor", page.Count == most ? page[^1].Cursor : null);
        });
    }

    private static void Write(Utf8JsonWriter json, Entry entry)
    {
        json.WriteStartObject();
        json.WriteString("name", entry.Name);
        json.WriteString("by", entry.Limit.By.ToString().ToLowerInvariant());
        json.WriteString("key", entry.Key);
        json.WriteNumber("count", entry.Limit.Count);
        json.WriteNumber("window_seconds", entry.Limit.Window.TotalSeconds);
        json.WriteNumber("burst", entry.Limit.Burst);
        json.WriteNumber("forgotten_in_seconds", Math.Round(entry.Outstanding.TotalSeconds, 3));
        json.WriteBoolean("refused", entry.Wait > TimeSpan.Zero);
        json.WriteNumber("next_in_seconds", Math.Round(entry.Wait.TotalSeconds, 3));
        json.WriteEndObject();
    }

    private async Task ClearAsync(HttpContext http)
    {
        var (name, key) = (NameOf(http), KeyOf(http));
        if (name is null && key is null && ApiQuery.One(http, "all") != "true")
            throw ApiQuery.Bad("name, key: which are to be forgotten; all=true: all of them");
        var (cleared, everywhere) = (0, true);
        foreach (var (ofName, limiter) in limiters.All)
        {
            if (name is not null && name != ofName)
                continue;
            var gone = limiter.Clear((_, ofKey) => key is null || key(ofKey));
            cleared += gone.Count;
            if (services.GetService<SharedLimits>() is { } shared)
                everywhere &= await shared.ForgetAsync(ofName, gone);
        }
        audit.Event(http.SignedIn()?.Name ?? "", $"forgot {cleared} counts of limits{(name is null ? "" : " of " + name)}{(key is null ? "" : $" of {ApiQuery.One(http, "key")}")}", addressOf(http));
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteNumber("cleared", cleared);
            json.WriteBoolean("on_all_nodes", everywhere);
        });
    }

    private string? NameOf(HttpContext http) => ApiQuery.One(http, "name") is not { } name ? null
        : limiters.All.Any(l => l.Name == name) ? name
        : throw ApiQuery.Bad("name: one of " + string.Join(", ", limiters.All.Select(static l => l.Name)));

    // A viewer may be called like an address.
    private static Func<LimitKey, bool>? KeyOf(HttpContext http)
    {
        if (ApiQuery.One(http, "key") is not { } text)
            return null;
        // It goes into the audit log as it stands.
        if (text.Length > LongestKey || text.AsSpan().ContainsAnyInRange('\0', '\x1f'))
            throw ApiQuery.Bad($"key: up to {LongestKey} characters without control characters");
        if (text == "*")
            return static key => key == LimitKey.Everybody;
        LimitKey? network = IPAddress.TryParse(text.EndsWith("/64", StringComparison.Ordinal) ? text[..^3] : text, out var address) ? LimitKey.Of(address) : null;
        return key => key == network || key.Name == text;
    }

    private string TextOf(in LimitKey key) => key == LimitKey.Everybody ? "*"
        : key.Address is not { } address ? key.Name!
        : table.Privacy() is var privacy && key.IsSix && privacy == AddressPrivacy.Full ? address + "/64" : privacy.Text(address);
}
