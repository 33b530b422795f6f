using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>Users: listed, made, changed by who has seen what he changes, removed. Somebody who may do all this always stays.</summary>
public sealed class UserEndpoints(Users users, KnownAccounts known, AuditLog audit, AddressOf addressOf)
{
    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<UserEndpoints>();
        routes.MapMethods("/api/v1/users", GetAndHead, (RequestDelegate)endpoints.ListAsync).Requires(Permission.Admin);
        routes.MapMethods("/api/v1/users/{name}", GetAndHead, (RequestDelegate)endpoints.ShowAsync).Requires(Permission.Admin);
        routes.MapPost("/api/v1/users", (RequestDelegate)endpoints.MakeAsync).Requires(Permission.Admin);
        routes.MapPatch("/api/v1/users/{name}", (RequestDelegate)endpoints.ChangeAsync).Requires(Permission.Admin);
        routes.MapDelete("/api/v1/users/{name}", (RequestDelegate)endpoints.RemoveAsync).Requires(Permission.Admin);
        routes.MapPost("/api/v1/users/{name}/link", (RequestDelegate)endpoints.LinkAsync).Requires(Permission.Admin);
    }

    private async Task ListAsync(HttpContext http)
    {
        await known.FreshAsync();
        var name = ApiQuery.One(http, "name");
        var needed = ApiQuery.One(http, "permission") is { } word ? AccountFields.Rights([word]) : Permission.None;
        await AccountFields.PageAsync(http, "users",
            users.All.Where(u => (name is null || u.Name.Contains(name, StringComparison.OrdinalIgnoreCase)) && (u.Permissions & needed) == needed),
            static u => u.Name, Write);
    }

    private async Task ShowAsync(HttpContext http)
    {
        await known.FreshAsync();
        await AnswerAsync(http, NameOf(http));
    }

    private async Task MakeAsync(HttpContext http)
    {
        var asked = await RequestJson.ReadAsync(http, AccountFieldsJson.Default.UserRequest, AccountFields.LongestBody);
        var name = AccountFields.Name(asked.Name);
        var permissions = AccountFields.Rights(asked.Permissions ?? []);
        var streams = AccountFields.Streams(asked.Streams);
        if (asked.Password is { Length: < Passwords.Shortest or > Passwords.Longest })
            throw ApiQuery.Bad($"password: {Passwords.Shortest} to {Passwords.Longest} characters");
        UserChange done;
        try
        {
            done = await users.AddAsync(name, permissions, asked.Password, streams, asked.Disabled ?? false);
        }
        catch (PasswordsBusyException)
        {
            throw new ProblemException(503, "busy", "Too many passwords at once.", TimeSpan.FromSeconds(2));
        }
        Check(done);
        audit.Event(AccountFields.Who(http), $"made the user {name} with {Words(permissions)} for {streams}", addressOf(http));
        http.Response.StatusCode = StatusCodes.Status201Created;
        http.Response.Headers.Location = "/api/v1/users/" + name;
        await AnswerAsync(http, name);
    }

    private async Task ChangeAsync(HttpContext http)
    {
        var name = NameOf(http);
        var isSeen = AccountFields.IfMatch(http);
        var asked = await RequestJson.ReadAsync(http, AccountFieldsJson.Default.UserChangeRequest, AccountFields.LongestBody);
        var edit = new UserEdit(asked.Permissions is { } names ? AccountFields.Rights(names) : null, asked.Streams is { } patterns ? AccountFields.Streams(patterns) : null, asked.Disabled);
        if (edit == new UserEdit())
            throw ApiQuery.Bad("permissions, streams, disabled: at least one is needed");
        Check(await users.ChangeAsync(name, edit, user => isSeen(Tag(user))));
        audit.Event(AccountFields.Who(http), $"changed the user {name}:{(edit.Permissions is { } p ? $" permissions {Words(p)}" : "")}"
            + $"{(edit.Streams is { } s ? $" streams {s}" : "")}{(edit.Disabled is { } d ? d ? " disabled" : " enabled" : "")}", addressOf(http));
        await AnswerAsync(http, name);
    }

    private async Task RemoveAsync(HttpContext http)
    {
        var name = NameOf(http);
        var isSeen = AccountFields.IfMatch(http, needed: false);
        Check(await users.RemoveAsync(name, user => isSeen(Tag(user))));
        audit.Event(AccountFields.Who(http), $"removed the user {name}", addressOf(http));
        http.Response.Headers.CacheControl = "no-store";
        http.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>A way in without a password, for whoever has none yet or forgot his: good once, for 30 minutes.</summary>
    private async Task LinkAsync(HttpContext http)
    {
        var name = NameOf(http);
        var link = await users.MakeLinkAsync(name) ?? throw new ProblemException(404, "not_found", "There is no such user, or a disabled one.");
        audit.Event(AccountFields.Who(http), $"made a sign-in link for {name}", addressOf(http));
        http.Response.StatusCode = StatusCodes.Status201Created;
        await ApiJson.WriteAsync(http, json => json.WriteString("link", link));
    }

    private Task AnswerAsync(HttpContext http, string name)
    {
        var user = users.Find(name) ?? throw NoSuch();
        http.Response.Headers.ETag = Tag(user);
        return ApiJson.WriteAsync(http, json => Write(json, user));
    }

    private static void Write(Utf8JsonWriter json, User user)
    {
        json.WriteString("name", user.Name);
        AccountFields.Write(json, user.Permissions, user.Streams);
        json.WriteBoolean("disabled", user.Disabled);
        json.WriteBoolean("has_password", user.HasPassword);
        json.WriteNumber("created", user.Created.ToUnixTimeSeconds());
        json.WriteString("etag", Tag(user));
    }

    private static string Tag(User user) =>
        AccountFields.Tag(user.Name, Words(user.Permissions), user.Streams.ToString(), user.Disabled ? "disabled" : "", AccountFields.Text(user.Created));

    private static void Check(UserChange done)
    {
        if (done != UserChange.Done)
            throw Refusal(done);
    }

    private static ProblemException Refusal(UserChange why) => why switch
    {
        UserChange.NameTaken => new(409, "name_taken", "There is a user of that name."),
        UserChange.TooMany => new(507, "full", $"There are {Users.Most} users."),
        UserChange.Stale => AccountFields.Stale(),
        UserChange.LastAdmin => new(409, "last_admin", "It is the last admin: nobody could undo it."),
        UserChange.BuiltIn => new(409, "built_in", "The next start would make the user admin again; disable it instead."),
        _ => NoSuch(),
    };

    private static string Words(Permission permissions) => permissions == Permission.None ? "nothing" : string.Join(" ", permissions.Names());

    private static string NameOf(HttpContext http) => (string)http.Request.RouteValues["name"]!;

    private static ProblemException NoSuch() => new(404, "not_found", "There is no such user.");
}
