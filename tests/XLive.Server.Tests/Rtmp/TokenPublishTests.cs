using XLive.Media.Tests.Rtmp;
using XLive.Server.Accounts;
using XLive.Server.Live;
using XLive.Server.Tests.Accounts;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Rtmp;

/// <summary>Publishing by an API token, and by a token of another issuer: the streams that it is for and no others.</summary>
public sealed class TokenPublishTests
{
    private const string NotForIt = "The access token is not for this stream.";
    private const string MayNot = "The access token's user may not publish.";
    private const string Wrong = "The access token is wrong or has expired.";

    private static async Task<(TestServer Server, int Port)> StartAsync(params string[] settings)
    {
        var port = FreePort.Next();
        return (await TestServer.StartAsync([$"--rtmp.port={port}", .. settings]), port);
    }

    private static void Refused(TestServer server, int port, string name, string reason)
    {
        using var client = new RtmpClient(port);
        client.Connect();
        client.Send(Wire.Command(1, "publish", 3, null, name, "live"));
        client.Hear(reason);
        Assert.Equal(0, server.Get<LiveStreams>().Count);
    }

    private static void Published(TestServer server, int port, string name, string holder)
    {
        using var client = new RtmpClient(port);
        client.Publish(name);
        Until.True(() => server.Get<LiveStreams>().All.SingleOrDefault()?.Publication?.Publisher.Key == holder, "published by " + holder);
        client.Send(Wire.Command(0, "deleteStream", 4, null, 1.0));
        Until.Equal(0, () => server.Get<LiveStreams>().Count, "its end");
    }

    private static async Task<(string Id, string Secret)> Make(TestServer server, string name, Permission permission, params string[] streams)
    {
        var (_, token, secret) = await Away(server.Get<ApiTokens>().MakeAsync(name, permission, StreamPatterns.Of(streams), null, "test"));
        return (token!.Id, secret);
    }

    /// <summary>The test blocks on its sockets, and must not on the thread that brought this.</summary>
    private static async Task<T> Away<T>(Task<T> task)
    {
        var result = await task;
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return result;
    }

    [Fact]
    public async Task An_API_token_opens_its_streams_and_ends_its_publisher_when_it_is_revoked()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        var (id, secret) = await Make(server, "encoder", Permission.Publish, "live/cam-*");
        var (_, monitor) = await Make(server, "monitor", Permission.Monitor, "**");
        Published(server, port, "cam-1?access_token=" + secret, "token " + id);
        Refused(server, port, "hall?access_token=" + secret, NotForIt);
        Refused(server, port, "cam-1?access_token=" + monitor, MayNot);
        Refused(server, port, "cam-1?access_token=" + secret[..^1], Wrong);
        // It is no stream key.
        Refused(server, port, "cam-1?key=" + secret, "The stream key is wrong.");

        using var client = new RtmpClient(port);
        client.Publish("cam-1?access_token=" + secret);
        Assert.Equal("encoder", await Away(server.Get<ApiTokens>().RemoveAsync(id)));
        client.Hear("The token has been revoked.");
        Until.Equal(0, () => server.Get<LiveStreams>().Count, "streams");
        Assert.Contains($"its API token {id} was removed", server.Log("audit.log"), StringComparison.Ordinal);
        Refused(server, port, "cam-1?access_token=" + secret, Wrong);
        Assert.DoesNotContain(secret, server.Log() + server.Log("audit.log") + server.Log("access.log"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_users_streams_are_his_own()
    {
        var (server, port) = await StartAsync();
        await using var _ = server;
        await server.Get<Users>().AddAsync("anna", Permission.Publish, "a long password", StreamPatterns.Of(["live/anna"]));
        var grant = await Away(server.Get<SignIns>().OpenAsync("anna"));
        var token = server.Get<AccessTokens>().Issue(server.Get<Users>().Find("anna")!, grant.Id);
        Published(server, port, "anna?access_token=" + token, "user anna");
        Refused(server, port, "bert?access_token=" + token, NotForIt);
    }

    [Fact]
    public async Task A_token_of_another_issuer_opens_the_streams_that_it_names()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        var (server, port) = await StartAsync("--auth.jwks_url=" + issuer.Url, "--auth.issuer=" + FakeIssuer.Name, "--auth.audience=" + FakeIssuer.Audience);
        await using var _ = server;
        string Token(string more) => issuer.Token("RS256", FakeIssuer.Claims(more, DateTimeOffset.UtcNow.ToUnixTimeSeconds()));
        Published(server, port, "cam?access_token=" + Token(",\"scope\":\"publish\",\"streams\":[\"live/cam\"]"), "issuer auth0|7");
        Refused(server, port, "hall?access_token=" + Token(",\"scope\":\"publish\",\"streams\":[\"live/cam\"]"), NotForIt);
        Refused(server, port, "cam?access_token=" + Token(",\"scope\":\"publish\""), NotForIt);
        Refused(server, port, "cam?access_token=" + Token(",\"streams\":[\"**\"]"), MayNot);
        Refused(server, port, "cam?access_token=" + issuer.Token("RS256"), Wrong);
    }
}
