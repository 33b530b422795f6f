using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Api;

/// <summary>What calls about users, tokens and keys have in common: the words of their bodies, who asks, and whether he knows what he changes.</summary>
internal static class AccountFields
{
    public const int LongestBody = 16 << 10;
    public const int DefaultPage = 100, LargestPage = 1000;

    private const string Never = "never";

    private static readonly TimeSpan s_longest = TimeSpan.FromDays(3650);

    public static string Who(HttpContext http) => http.SignedIn()?.Name ?? "";

    public static string Name(string? name) => User.IsName(name) ? name!
        : throw ApiQuery.Bad($"name: up to {User.LongestName} letters, digits and . _ - @, the first a letter or a digit");

    public static Permission Rights(IEnumerable<string?> names)
    {
        var permissions = Permission.None;
        foreach (var name in names)
        {
            permissions |= Permissions.TryParse(name, out var permission) ? permission
                : throw ApiQuery.Bad("permissions: each is one of " + string.Join(", ", Permissions.All.Names()));
        }
        return permissions;
    }

    public static StreamPatterns Streams(string[]? patterns) => patterns is null ? StreamPatterns.All
        : patterns.Any(static p => p is null) || StreamPatterns.Fault(patterns) is not null
            ? throw ApiQuery.Bad($"streams: up to {StreamPatterns.Most} patterns APP/STREAM with * for any run in either, or ** for all")
            : StreamPatterns.Of(patterns);

    /// <summary>Until when; null: for ever.</summary>
    /// <param name="given">A duration as settings write it, or "never".</param>
    public static DateTimeOffset? Until(string? given, TimeSpan? usual, DateTimeOffset now)
    {
        if (given is null)
            return usual is { } time ? now + time : null;
        if (given == Never)
            return null;
        if (Quantity.ReadDuration(given, out var lasts) is { } fault)
            throw ApiQuery.Bad($"for: {fault}, or {Never}");
        return lasts >= TimeSpan.FromSeconds(1) && lasts <= s_longest ? now + lasts : throw ApiQuery.Bad("for: between 1s and ten years, or " + Never);
    }

    public static void Write(Utf8JsonWriter json, Permission permissions, StreamPatterns streams)
    {
        json.WriteStartArray("permissions");
        foreach (var name in permissions.Names())
            json.WriteStringValue(name);
        json.WriteEndArray();
        json.WriteStartArray("streams");
        foreach (var pattern in streams.Texts)
            json.WriteStringValue(pattern);
        json.WriteEndArray();
    }

    public static void WriteTime(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } at)
            json.WriteNumber(name, at.ToUnixTimeSeconds());
        else
            json.WriteNull(name);
    }

    /// <summary>One page of what is in order, behind the cursor, which is the order's own text of the last one shown.</summary>
    public static Task PageAsync<T>(HttpContext http, string word, IEnumerable<T> inOrder, Func<T, string> order, Action<Utf8JsonWriter, T> write)
    {
        var most = ApiQuery.Page(http, DefaultPage, LargestPage);
        var after = ApiQuery.One(http, "cursor");
        var page = inOrder.Where(e => after is null || string.CompareOrdinal(order(e), after) > 0).Take(most + 1).ToList();
        return ApiJson.WriteAsync(http, json =>
        {
            json.WriteStartArray(word);
            foreach (var entry in page.Take(most))
            {
                json.WriteStartObject();
                write(json, entry);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("next_cursor", page.Count > most ? order(page[most - 1]) : null);
        });
    }

    public static string Text(DateTimeOffset? time) => time?.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) ?? "";

    /// <summary>Of everything that a change may change.</summary>
    public static string Tag(params IEnumerable<string> parts) =>
        $"\"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts))).AsSpan(0, 8))}\"";

    /// <summary>Whether a tag is the one that the caller has seen. Who has seen none changes nothing: another's change would be lost.</summary>
    public static Func<string, bool> IfMatch(HttpContext http, bool needed = true)
    {
        var given = http.Request.Headers.IfMatch.ToString();
        if (given.Length == 0 && needed)
            throw new ProblemException(428, "precondition_required", "If-Match: the ETag of what is changed, or *.");
        if (given.Length == 0)
            return static _ => true;
        var tags = given.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return tag => tags.Contains("*") || tags.Contains(tag);
    }

    public static ProblemException Stale() => new(412, "precondition_failed", "It has been changed since; look at it again.");
}

internal sealed record TokenRequest(string? Name, string[]? Permissions, string[]? Streams, string? For);

internal sealed record UserRequest(string? Name, string[]? Permissions, string[]? Streams, bool? Disabled, string? Password);

internal sealed record UserChangeRequest(string[]? Permissions, string[]? Streams, bool? Disabled);

internal sealed record StreamKeyRequest(string? Stream, string? Name, string? For);

internal sealed record StreamKeyChangeRequest(string? Name, string? For);

internal sealed record SigningKeyRequest(string? Id, long? NotBefore, long? NotAfter);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false, MaxDepth = 8)]
[JsonSerializable(typeof(TokenRequest))]
[JsonSerializable(typeof(UserRequest))]
[JsonSerializable(typeof(UserChangeRequest))]
[JsonSerializable(typeof(StreamKeyRequest))]
[JsonSerializable(typeof(StreamKeyChangeRequest))]
[JsonSerializable(typeof(SigningKeyRequest))]
internal sealed partial class AccountFieldsJson : JsonSerializerContext;
