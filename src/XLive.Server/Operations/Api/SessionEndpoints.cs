using System.Text.Json;
using System.Text.Json.Serialization;
using XLive.Server.Access;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Sessions;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>Who watches: listed, kicked; users, keys and sessions revoked and let in again.</summary>
public sealed class SessionEndpoints(
    SessionListing listing, SessionTable table, ISessionStore store, AuditLog audit, AddressOf addressOf, TimeProvider clock)
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];
    private static readonly TimeSpan KickedFor = TimeSpan.FromMinutes(10);

    private const int DefaultPage = 100;
    private const int LongestKey = 128;
    private const int LongestReason = 200;
    private const int LongestBody = 4 << 10;

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<SessionEndpoints>();
        routes.MapMethods("/api/v1/sessions", GetAndHead, (RequestDelegate)endpoints.ListAsync).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/sessions/{sid}", GetAndHead, (RequestDelegate)endpoints.ShowAsync).Requires(Permission.Monitor);
        routes.MapDelete("/api/v1/sessions/{sid}", (RequestDelegate)endpoints.KickAsync).Requires(Permission.Admin);
        routes.MapMethods("/api/v1/revocations", GetAndHead, (RequestDelegate)endpoints.RevocationsAsync).Requires(Permission.Monitor);
        routes.MapPost("/api/v1/revocations", (RequestDelegate)endpoints.RevokeAsync).Requires(Permission.Admin);
        routes.MapDelete("/api/v1/revocations/{id}", (RequestDelegate)endpoints.LiftAsync).Requires(Permission.Admin);
    }

    private async Task ListAsync(HttpContext http)
    {
        var filter = new SessionFilter
        {
            Uid = ApiQuery.One(http, "uid"),
            Kid = ApiQuery.One(http, "kid"),
            Path = ApiQuery.One(http, "path"),
            Address = ApiQuery.One(http, "address") is { } address ? Networks(address) : null,
            Client = ApiQuery.One(http, "client") is not { } word ? null
                : AccessRules.TryKind(word, out var kind) ? kind : throw ApiQuery.Bad("client: browser, player, download_tool, bot or unknown"),
        };
        var most = ApiQuery.Page(http, DefaultPage, SessionListing.Most);
        SessionId? after = ApiQuery.One(http, "cursor") is not { } cursor ? null
            : SessionId.TryParse(cursor, out var id) ? id : throw ApiQuery.Bad("cursor: the next_cursor of the page before");
        var page = await listing.PageAsync(filter, after, most);
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteStartArray("sessions");
            foreach (var session in page)
            {
                json.WriteStartObject();
                Write(json, session);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            WriteCursor(json, page.Count == most ? page[^1].Id.ToString() : null);
        });
    }

    private async Task ShowAsync(HttpContext http)
    {
        var session = await SessionOf(http);
        await ApiJson.WriteAsync(http, json => Write(json, session));
    }

    private async Task KickAsync(HttpContext http)
    {
        var session = await SessionOf(http);
        var now = Now;
        var kick = new Revocation(RevocationKind.Sid, session.Id.ToString(), now, now + (long)KickedFor.TotalSeconds, "", Who(http), IsKick: true,
            session.Entry == default ? null : session.Entry);
        // A revocation that holds longer is not shortened by a kick.
        if (table.Revocations.Find(kick.Name) is { } longer && longer.Until > kick.Until)
            kick = longer with { Entry = kick.Entry };
        var stored = await PutAsync(kick);
        audit.Event(Who(http), $"kicked session {session.Id} of user {session.Uid}", addressOf(http));
        await ApiJson.WriteAsync(http, json => Write(json, kick, stored));
    }

    private async Task RevokeAsync(HttpContext http)
    {
        var asked = await RequestJson.ReadAsync(http, SessionJson.Default.RevocationRequest, LongestBody);
        var name = (asked.Uid, asked.Kid, asked.Sid) switch
        {
            ({ Length: > 0 } uid, null, null) => new RevocationKey(RevocationKind.Uid, uid),
            (null, { } kid, null) => new RevocationKey(RevocationKind.Kid, kid),
            (null, null, { } sid) when SessionId.TryParse(sid, out _) => new RevocationKey(RevocationKind.Sid, sid),
            (null, null, not null) => throw ApiQuery.Bad("sid: not a session's id"),
            _ => throw ApiQuery.Bad("one of uid, kid and sid is needed"),
        };
        if (System.Text.Encoding.UTF8.GetByteCount(name.Key) > LongestKey || name.Key.Any(char.IsControl))
            throw ApiQuery.Bad($"{name.Word}: up to {LongestKey} bytes without control characters");
        if (asked.Reason is { Length: > LongestReason })
            throw ApiQuery.Bad($"reason: up to {LongestReason} characters");
        var until = Revocation.Ever;
        if (asked.For is { } given)
        {
            if (Quantity.ReadDuration(given, out var time) is { } fault)
                throw ApiQuery.Bad("for: " + fault);
            if (time < TimeSpan.FromSeconds(1))
                throw ApiQuery.Bad("for: at least 1s; DELETE lifts a revocation");
            until = Now + (long)time.TotalSeconds;
        }
        var revocation = new Revocation(name.Kind, name.Key, Now, until, asked.Reason ?? "", Who(http));
        var stored = await PutAsync(revocation);
        audit.Event(Who(http), $"revoked {name}{(asked.For is null ? "" : " for " + asked.For)}", addressOf(http));
        http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.Headers.Location = "/api/v1/revocations/" + name.Id;
        await ApiJson.WriteAsync(http, json => Write(json, revocation, stored));
    }

    private async Task RevocationsAsync(HttpContext http)
    {
        var most = ApiQuery.Page(http, DefaultPage, SessionListing.Most);
        var after = ApiQuery.One(http, "cursor");
        var page = table.Revocations.All.Select(r => (r.Name.Id, Revocation: r)).Where(r => after is null || string.CompareOrdinal(r.Id, after) > 0)
            .OrderBy(r => r.Id, StringComparer.Ordinal).Take(most).ToList();
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteStartArray("revocations");
            foreach (var (_, revocation) in page)
            {
                json.WriteStartObject();
                Write(json, revocation, null);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            WriteCursor(json, page.Count == most ? page[^1].Id : null);
        });
    }

    private async Task LiftAsync(HttpContext http)
    {
        if (!RevocationKey.TryParseId((string)http.Request.RouteValues["id"]!, out var name) || !table.Revocations.Lift(name))
            throw new ProblemException(404, "not_found", "There is no such revocation.");
        var stored = await store.LiftAsync(name);
        audit.Event(Who(http), $"lifted the revocation of {name}", addressOf(http));
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteString("id", name.Id);
            json.WriteBoolean("stored", stored);
        });
    }

    /// <summary>It holds here at once, whatever becomes of the store; the answer says which.</summary>
    private async ValueTask<bool> PutAsync(Revocation revocation) => table.Revocations.Put(revocation)
        ? await store.RevokeAsync(revocation)
        : throw new ProblemException(507, "full", $"There are {Revocations.Most} revocations; lift some, or take back a key.");

    private async ValueTask<SessionRecord> SessionOf(HttpContext http) =>
        SessionId.TryParse((string)http.Request.RouteValues["sid"]!, out var id) && await listing.FindAsync(id) is { } session
            ? session
            : throw new ProblemException(404, "not_found", "There is no such session.");

    private void Write(Utf8JsonWriter json, SessionRecord session)
    {
        json.WriteString("sid", session.Id.ToString());
        json.WriteString("uid", session.Uid);
        json.WriteString("kid", session.Kid);
        json.WriteString("address", table.Privacy().Text(session.Address));
        json.WriteString("client", ClientKinds.Word(session.Client));
        json.WriteString("user_agent", session.UserAgent);
        json.WriteString("path", session.Path);
        json.WriteString("title", session.Title);
        json.WriteNumber("opened_at", session.OpenedAt);
        json.WriteNumber("last_seen", session.SeenAt);
        json.WriteNumber("bytes", session.Bytes);
        json.WriteNumber("bytes_per_second", session.Rate);
        json.WriteBoolean("counted_device", session.HasPlace);
        if (session.Node.Length > 0)
            json.WriteString("node", session.Node);
        if (table.Revocations.Of(session.Id.ToString(), session.Uid, session.Kid) is { } revocation)
            json.WriteString("refused", revocation.Word);
    }

    private static void Write(Utf8JsonWriter json, Revocation revocation, bool? stored)
    {
        json.WriteString("id", revocation.Name.Id);
        json.WriteString(revocation.Name.Word, revocation.Key);
        json.WriteBoolean("kick", revocation.IsKick);
        json.WriteNumber("since", revocation.From);
        if (revocation.Until == Revocation.Ever)
            json.WriteNull("until");
        else
            json.WriteNumber("until", revocation.Until);
        json.WriteString("reason", revocation.Why);
        json.WriteString("by", revocation.By);
        if (stored is { } kept)
            json.WriteBoolean("stored", kept);
    }

    private static void WriteCursor(Utf8JsonWriter json, string? next)
    {
        if (next is null)
            json.WriteNull("next_cursor");
        else
            json.WriteString("next_cursor", next);
    }

    private static CidrSet Networks(string text) => CidrSet.Fault(text) is null ? CidrSet.Of([text]) : throw ApiQuery.Bad("address: not an address and no network");

    private long Now => clock.GetUtcNow().ToUnixTimeSeconds();

    private static string Who(HttpContext http) => http.SignedIn()?.Name ?? "";
}

/// <param name="For">A duration as settings write it; without it until it is lifted.</param>
internal sealed record RevocationRequest(string? Uid, string? Kid, string? Sid, string? For, string? Reason);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RevocationRequest))]
internal sealed partial class SessionJson : JsonSerializerContext;
