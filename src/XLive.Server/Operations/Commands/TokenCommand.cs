using System.Globalization;
using XLive.Server.Accounts;
using XLive.Server.Operations.Api;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

internal static class TokenCommand
{
    public const string Help = """
        token list
        token new NAME --permissions P[,P] [--streams S[,S]] [--for 365d|never]
        token revoke NAME | ID

        API tokens, for machines: sent as Authorization: Bearer xl_..., or by an encoder as access_token=.
        A running server takes a change within two seconds.

          list        ids, names, permissions, streams, until when, last used; never a token
          new         makes a token and prints it, once: it is kept nowhere
          revoke      the token opens nothing any more, and who publishes by it ends within seconds

          P           publish, subscribe, monitor or admin
          S           which streams to publish and subscribe: wida/*, live/cam-*; without it all
        """;

    public static async Task<int> RunAsync(CommandLineWords words)
    {
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        var (rights, patterns, lasts) = (words.Take("permissions"), words.Take("streams"), words.Take("for"));
        words.NothingElse();
        if (words.Plain is not ["new", _] && (rights ?? patterns ?? lasts) is not null)
            throw new UsageException("--permissions, --streams and --for are for new");
        switch (words.Plain)
        {
            case ["list"]:
                await using (var services = UserCommand.Services(settings))
                {
                    foreach (var token in await services.GetRequiredService<ApiTokens>().AllAsync())
                        Console.WriteLine(Line(token));
                }
                return 0;
            case ["new", var name]:
                await MakeAsync(settings, name, RightsOf(rights), StreamsOf(patterns), lasts);
                return 0;
            case ["revoke", var named]:
                await RevokeAsync(settings, named);
                return 0;
            default:
                throw new UsageException("say list, new NAME or revoke NAME");
        }
    }

    private static async Task MakeAsync(ServerSettings settings, string name, Permission permissions, StreamPatterns streams, string? lasts)
    {
        if (!User.IsName(name))
            throw new UsageException($"a token's name is up to {User.LongestName} letters, digits and . _ - @");
        if (TokenEndpoints.Fault(permissions, streams) is { } fault)
            throw new UsageException(fault);
        DateTimeOffset? expires = lasts == "never" ? null : DateTimeOffset.UtcNow + (lasts is null ? TokenEndpoints.UsualLifetime : CommandLineWords.Duration(lasts));
        await using var services = UserCommand.Services(settings);
        var (made, token, secret) = await services.GetRequiredService<ApiTokens>().MakeAsync(name, permissions, streams, expires, "command");
        if (token is null)
        {
            throw new InvalidOperationException(made == TokenMaking.NameTaken
                ? $"there is a token '{name}' already; token revoke takes it away"
                : $"there are {ApiTokens.Most} tokens; revoke some");
        }
        CommandAudit.Write(settings, $"made the API token {name} ({token.Id}) with {string.Join(" ", permissions.Names())} for {streams}");
        Console.WriteLine(secret);
    }

    private static async Task RevokeAsync(ServerSettings settings, string named)
    {
        await using var services = UserCommand.Services(settings);
        var tokens = services.GetRequiredService<ApiTokens>();
        var all = await tokens.AllAsync();
        var token = all.FirstOrDefault(t => t.Name == named) ?? all.FirstOrDefault(t => t.Id == named);
        if (token is null || await tokens.RemoveAsync(token.Id) is null)
            throw new InvalidOperationException($"there is no token '{named}'; token list names them");
        CommandAudit.Write(settings, $"revoked the API token {token.Name} ({token.Id})");
    }

    private static Permission RightsOf(string? text)
    {
        var permissions = Permission.None;
        foreach (var name in Words(text))
        {
            permissions |= Permissions.TryParse(name, out var permission) ? permission
                : throw new UsageException($"'{name}' is no permission; there are {string.Join(", ", Permissions.All.Names())}");
        }
        return permissions;
    }

    private static StreamPatterns StreamsOf(string? text)
    {
        if (text is null)
            return StreamPatterns.All;
        var patterns = Words(text);
        return StreamPatterns.Fault(patterns) is { } fault ? throw new UsageException($"--streams {fault}") : StreamPatterns.Of(patterns);
    }

    private static string[] Words(string? text) => (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static string Line(ApiToken token) => string.Create(CultureInfo.InvariantCulture,
        $"{token.Id}\t{token.Name}\t{string.Join(",", token.Permissions.Names())}\t{token.Streams}\t{(token.Expires is { } end ? $"until {end:u}" : "for ever")}\t{(token.Used is { } used ? $"used {used:u}" : "not used")}");
}
