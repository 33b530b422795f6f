using XLive.Server.Sessions;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Redis;

/// <summary>Passwords and the rights of a user.</summary>
public sealed class RedisRightsTests
{
    [Fact]
    public async Task A_password_that_is_refused()
    {
        using var redis = RedisProcess.Start("redis-server", null, ["-a", "right", "--no-auth-warning"], "requirepass right");
        await using (var none = await Node.StartAsync(redis.Url))
        {
            none.IsDegraded("NOAUTH");
            await RedisFaultTests.EntersAreQuick(none);
        }
        await using var wrong = await Node.StartAsync($"redis://:wrong-one@127.0.0.1:{redis.Port}");
        wrong.IsDegraded("WRONGPASS");
        await RedisFaultTests.EntersAreQuick(wrong);
        Assert.DoesNotContain(wrong.Lines, l => l.Contains("wrong-one", StringComparison.Ordinal));
        await using var right = await Node.JoinedAsync($"redis://:right@127.0.0.1:{redis.Port}/3");
        // The password is changed to what the other has: he comes in by himself.
        redis.Cli("CONFIG", "SET", "requirepass", "wrong-one");
        wrong.IsWell();
    }

    [Fact]
    public async Task A_user_without_rights()
    {
        using var redis = RedisProcess.Start();
        redis.Cli("ACL", "SETUSER", "xlive", "on", ">pass:w/rd", "~xlive:*", "&xlive:*", "+@all", "-eval", "-evalsha");
        await using var node = await Node.StartAsync($"redis://xlive:pass%3Aw%2Frd@127.0.0.1:{redis.Port}");
        node.IsDegraded("NOPERM");
        await RedisFaultTests.EntersAreQuick(node);
        redis.Cli("ACL", "SETUSER", "xlive", "+eval", "+evalsha");
        await RedisFaultTests.AllIsWell(node, redis);
    }

    /// <summary>Redis answers and takes what it is asked to sign, so nothing tells but the write itself.</summary>
    [Fact]
    public async Task A_session_that_could_not_be_written_is_written_once_it_can_be()
    {
        using var redis = RedisProcess.Start();
        redis.Cli("ACL", "SETUSER", "xlive", "on", ">secret", "~xlive:*", "&xlive:*", "+@all", "-hset");
        await using var node = await Node.JoinedAsync($"redis://xlive:secret@127.0.0.1:{redis.Port}");
        await using var other = await Node.JoinedAsync(redis.Url);
        var session = Node.Session("anna");
        await node.Save(session);
        Until.True(() => redis.Cli("ACL", "LOG").Contains("hset", StringComparison.Ordinal), "refused", TimeSpan.FromSeconds(10));
        Assert.False(await other.Sees(session));
        redis.Cli("ACL", "SETUSER", "xlive", "+hset");
        Until.True(() => other.Sees(session).Result, "written", TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task The_rights_that_the_page_names_are_enough()
    {
        using var redis = RedisProcess.Start();
        var rights = System.Text.RegularExpressions.Regex.Match(Page(), "ACL SETUSER xlive on >PASSWORD (.+)").Groups[1].Value;
        Assert.NotEmpty(rights);
        redis.Cli(["ACL", "SETUSER", "xlive", "on", ">secret", .. rights.Split(' ')]);
        redis.Cli("ACL", "LOG", "RESET");
        await using var node = await Node.JoinedAsync($"redis://xlive:secret@127.0.0.1:{redis.Port}");
        await using var other = await Node.JoinedAsync($"redis://xlive:secret@127.0.0.1:{redis.Port}");
        redis.Cli("SET", "xlive:{YW5uYQ}:places", "not a set");
        Assert.Equal(PlaceAnswer.Granted, await node.Answered(Node.Session("anna")));
        var revocation = Node.Of("berta");
        node.Revocations.Put(revocation);
        Assert.True(await node.Store.RevokeAsync(revocation));
        Until.True(() => other.Bars("berta"), "heard", TimeSpan.FromSeconds(2));
        await RedisFaultTests.AllIsWell(node, redis);
        Assert.Equal("", redis.Cli("ACL", "LOG"));
    }

    private static string Page([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        File.ReadAllText(Path.GetFullPath("../../../docs/redis.md", Path.GetDirectoryName(here)!));
}
