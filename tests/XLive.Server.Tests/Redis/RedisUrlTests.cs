using XLive.Server.Settings;
using XLive.Server.Storage.Redis;
using XLive.Server.Tests.Settings;

namespace XLive.Server.Tests.Redis;

/// <summary>Every form of redis.url, and what is said of those that are none.</summary>
public sealed class RedisUrlTests
{
    [Theory]
    [InlineData("redis://10.0.0.5", "Single 10.0.0.5:6379 / 0 clear")]
    [InlineData("redis://redis.example:7000/3", "Single redis.example:7000 / 3 clear")]
    [InlineData("redis://[::1]:7000", "Single [::1]:7000 / 0 clear")]
    [InlineData("redis://:se%3Acr%40et@h", "Single h:6379 |se:cr@et/ 0 clear")]
    [InlineData("redis://u:p@x@h", "Single h:6379 u|p@x/ 0 clear")]
    [InlineData("rediss://u:p@h:1", "Single h:1 u|p/ 0 TLS")]
    [InlineData("unix:///run/redis.sock?db=2", "Single /run/redis.sock / 2 clear")]
    [InlineData("unix://:p@/run/redis.sock", "Single /run/redis.sock |p/ 0 clear")]
    [InlineData("redis-sentinel://a,b:1/films/2", "Sentinel a:26379 b:1 / films 2 clear")]
    [InlineData("redis-sentinel://u:p@a/films?sentinel_user=s&sentinel_password=t", "Sentinel a:26379 u|ps|t/ films 0 clear")]
    [InlineData("redis-cluster://a:1,b:2,[::1]:3", "Cluster a:1 b:2 [::1]:3 / 0 clear")]
    [InlineData("rediss-cluster://a/", "Cluster a:6379 / 0 TLS")]
    public void Forms(string url, string read)
    {
        Assert.Null(RedisUrl.Parse(url, out var target));
        Assert.Equal(read, $"{target.Form} {string.Join(' ', target.Addresses)} {Text(target.Login)}{Text(target.SentinelLogin)}/ {(target.Master.Length > 0 ? target.Master + " " : "")}"
            + $"{target.Database} {(target.Tls is null ? "clear" : "TLS")}");
    }

    private static string Text(RedisLogin login) => login.Password.Length > 0 ? login.User + "|" + login.Password : "";

    [Theory]
    [InlineData("10.0.0.5:6379")]
    [InlineData("http://h")]
    [InlineData("redis://")]
    [InlineData("redis://h:0")]
    [InlineData("redis://h:99999")]
    [InlineData("redis://h/x")]
    [InlineData("redis://a,b")]
    [InlineData("redis://hush@h")]
    [InlineData("redis://u:hush#@h")]
    [InlineData("redis://h?ca=/x")]
    [InlineData("redis://u:hu?hush@h")]
    [InlineData("rediss://h?ca=/no/such/file")]
    [InlineData("rediss://h?verify=maybe")]
    [InlineData("rediss://h?certificate=/etc/hostname")]
    [InlineData("redis://h?hush=hush")]
    [InlineData("redis-sentinel://a")]
    [InlineData("redis-cluster://a/1")]
    [InlineData("unix://run/redis.sock")]
    public void Wrong_ones_stop_the_start_and_are_not_repeated(string url)
    {
        var refused = Assert.Throws<SettingsException>(() => Load("--redis.url=" + url, "--server.secret=0123456789abcdef"));
        var fault = Assert.Single(refused.Faults);
        Assert.Equal("redis.url", fault.Key);
        Assert.DoesNotContain("hush", fault.ToString());
    }

    [Theory]
    [InlineData("server.secret", "--redis.url=redis://h")]
    [InlineData("server.secret", "--redis.host=h")]
    [InlineData("redis.host", "--redis.url=redis://h", "--redis.host=h", "--server.secret=0123456789abcdef")]
    [InlineData("redis.host", "--redis.host=h:6379", "--server.secret=0123456789abcdef")]
    [InlineData("redis.password", "--redis.password=p")]
    [InlineData("redis.db", "--redis.db=1", "--redis.url=redis://h", "--server.secret=0123456789abcdef")]
    public void What_does_not_go_together(string key, params string[] args) =>
        Assert.Equal(key, Assert.Single(Assert.Throws<SettingsException>(() => Load(args)).Faults).Key);

    [Fact]
    public void Host_port_and_the_rest()
    {
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "pass\n");
        var target = Load("--redis.host=::1", "--redis.port=7000", "--redis.db=4", "--redis.password_file=" + file, "--server.secret=0123456789abcdef").Of<RedisOptions>().Target!;
        File.Delete(file);
        Assert.Equal(("[::1]:7000", 4, "pass"), (target.Addresses[0].ToString(), target.Database, target.Login.Password));
        Assert.Null(Load().Of<RedisOptions>().Target);
    }

    private static ServerSettings Load(params string[] args) =>
        ServerSettings.Load(new SettingsInput { Args = args, WorkingDirectory = Path.GetTempPath(), SystemFile = "/none" });
}
