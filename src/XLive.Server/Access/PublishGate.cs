using System.Net;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Hooks;
using XLive.Server.Limits;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Access;

/// <summary>By what a publisher was let in, or why not.</summary>
/// <param name="Holder">Who he is, to know him again when he comes back; null: refused. Never a key or a token.</param>
/// <param name="Stream">Under which name it is watched.</param>
/// <param name="Reason">Of a refusal, for the encoder's user.</param>
public readonly record struct PublishAdmission(string? Holder, string Stream, string Reason)
{
    /// <summary>A stream of this server, app/name, that it was made of.</summary>
    public string? MadeOf { get; init; }

    public static PublishAdmission Refused(string reason) => new(null, "", reason);
}

/// <summary>
/// Who may publish, whatever the protocol; asked once a publish. A stream key opens its stream, in the query or in the place of the name; a token with the
/// permission to publish opens every stream that it is for; with auth.enable: false so does an address of auth.open_to.
/// </summary>
public sealed class PublishGate(
    PlaybackGate gate, Bearers bearers, StreamKeys keys, AuthOptions auth, OpenTo openTo, OwnPublishers own, ServerSettings settings, RateLimiters limiters,
    IEnumerable<IsFilmFolder> folders, HookQuestions hooks)
{
    private const string TokenName = "access_token=", KeyName = "key=";

    /// <summary>limits.publishes.</summary>
    public RateLimiter Limits { get; } = limiters.Make("publishes", () => settings.Of<LimitOptions>().Publishes);

    /// <summary>Null: streams may live under that name.</summary>
    public async ValueTask<string?> WhyNoAppAsync(string app)
    {
        if (FrontDoor.IsReserved("/" + app))
            return $"'{app}' is a reserved name.";
        if (!settings.Of<LiveAppsOptions>().Apps.Contains(app))
            return "There is no application of that name.";
        foreach (var isFolder in folders)
        {
            if (await isFolder(app))
                return $"'{app}' is a folder of films.";
        }
        return null;
    }

    /// <param name="name">What the encoder calls the stream.</param>
    /// <param name="query">Of the stream's name, or of the application: what stands behind "?".</param>
    public async ValueTask<PublishAdmission> AdmitAsync(IPAddress address, string app, string name, string query)
    {
        if (own.Find(app, name, query) is { } ours)
            return ours;
        if (!gate.Rules.Admits(address))
            return PublishAdmission.Refused("Publishing is not allowed from this address.");
        // Before the key is looked at: guessing keys is what these two are for.
        if ((Limits.Take(LimitBy.Ip, LimitKey.Of(address)) ?? Limits.Take(LimitBy.All, LimitKey.Everybody)) is { } wait)
            return TooMany(wait);
        if (await WhyNoAppAsync(app) is { } why)
            return PublishAdmission.Refused(why);
        var admission = await ByRightAsync(address, app, name, query);
        // Behind it: a stranger who tries a stream's name must not shut its publisher out.
        if (admission.Holder is not { } holder)
            return admission;
        if ((Limits.Take(LimitBy.Uid, LimitKey.Of(holder)) ?? Limits.Take(LimitBy.Stream, LimitKey.Of($"{app}/{admission.Stream}"))) is { } later)
            return TooMany(later);
        return await hooks.AskAsync(HookKind.Publish, holder, new() { Stream = $"{app}/{admission.Stream}", Publisher = holder, Address = hooks.Text(address) }) switch
        {
            HookVerdict.Allow => admission,
            HookVerdict.Deny => PublishAdmission.Refused("The site does not allow this stream."),
            _ => PublishAdmission.Refused("The site does not answer whether this stream is allowed; try again."),
        };
    }

    private static PublishAdmission TooMany(TimeSpan wait) =>
        PublishAdmission.Refused($"Too many attempts to publish; the next may come in {Math.Ceiling(wait.TotalSeconds)} s.");

    private async ValueTask<PublishAdmission> ByRightAsync(IPAddress address, string app, string name, string query)
    {
        var admission = await ByGrantAsync(app, name, query);
        // Where nothing is needed, what is wrong is not needed either; but a key in the name's place must not become a name.
        return admission.Holder is null && !auth.Enable && openTo(address) && !StreamKeys.IsKey(name) ? new("open", name, "") : admission;
    }

    private async ValueTask<PublishAdmission> ByGrantAsync(string app, string name, string query)
    {
        if (ValueOf(query, KeyName) is { } key)
            return await AdmitAsync(key, app, name);
        if (ValueOf(query, TokenName) is { } token)
        {
            var (who, _) = await bearers.ReadAsync(token);
            return who is null ? PublishAdmission.Refused("The access token is wrong or has expired.")
                : !who.May(Permission.Publish) ? PublishAdmission.Refused("The access token's user may not publish.")
                : !who.Streams.Cover(app, name) ? PublishAdmission.Refused("The access token is not for this stream.")
                : new(who.Holder, name, "");
        }
        if (StreamKeys.IsKey(name))
            return await AdmitAsync(name, app, null);
        return PublishAdmission.Refused("Publishing needs a key or an access token.");
    }

    private async ValueTask<PublishAdmission> AdmitAsync(string key, string app, string? name)
    {
        StreamKey? found;
        try
        {
            found = await keys.FindAsync(key);
        }
        catch (DatabaseException)
        {
            return PublishAdmission.Refused("The key cannot be looked up now; try again.");
        }
        if (found is null)
            return PublishAdmission.Refused("The stream key is wrong.");
        var slash = found.Stream.IndexOf('/', StringComparison.Ordinal);
        var (ofApp, stream) = (found.Stream[..slash], found.Stream[(slash + 1)..]);
        return ofApp != app || (name is not null && name != stream)
            ? PublishAdmission.Refused("The key is another stream's.")
            : new(StreamKeys.Holder + found.Id, stream, "");
    }

    private static string? ValueOf(string query, string name)
    {
        foreach (var part in query.Split('&'))
        {
            if (part.StartsWith(name, StringComparison.Ordinal))
                return Uri.UnescapeDataString(part[name.Length..]);
        }
        return null;
    }
}
