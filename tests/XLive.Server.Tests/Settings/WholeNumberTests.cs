using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Storage.Redis;
using XLive.Server.Tests.Architecture;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Settings;

/// <summary>A number has one spelling, wherever it comes from.</summary>
public sealed class WholeNumberTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("12", 12)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Digits_are_one(string text, long number)
    {
        Assert.True(WholeNumber.TryRead(text, out var read) && WholeNumber.TryRead(System.Text.Encoding.UTF8.GetBytes(text), out var bytes) && read == bytes);
        Assert.Equal(number, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12\0")]
    [InlineData("12\0\0")]
    [InlineData("\012")]
    [InlineData(" 12")]
    [InlineData("12 ")]
    [InlineData("12\n")]
    [InlineData("+12")]
    [InlineData("-1")]
    [InlineData("1_000")]
    [InlineData("1,000")]
    [InlineData("1.0")]
    [InlineData("0x10")]
    [InlineData("\u0661")]
    [InlineData("9223372036854775808")]
    public void Nothing_else_is(string text)
    {
        Assert.False(WholeNumber.TryRead(text, out long _));
        Assert.False(WholeNumber.TryRead(System.Text.Encoding.UTF8.GetBytes(text), out _));
    }

    [Fact]
    public void One_that_is_too_large_is_none()
    {
        Assert.True(WholeNumber.TryRead("65535", 65535, out var port));
        Assert.Equal(65535, port);
        Assert.False(WholeNumber.TryRead("65536", 65535, out port));
        Assert.Equal(0, port);
    }

    [Fact]
    public void Urls_of_stores_hold_no_other()
    {
        Assert.NotNull(RedisUrl.Parse("redis://h:6379\0", out _));
        Assert.NotNull(RedisUrl.Parse("redis://h:6379/1\0", out _));
        Assert.Null(RedisUrl.Parse("redis://h:6379/1", out _));
        Assert.NotNull(PostgresUrl.Fault("postgres://u@h/d?connect_timeout=5%00"));
        Assert.Null(PostgresUrl.Fault("postgres://u@h/d?connect_timeout=5"));
    }

    [Theory]
    [InlineData("/api/v1/sessions?limit=12")]
    [InlineData("/api/v1/traffic/reports?limit=12")]
    [InlineData("/api/v1/traffic/reports?after=12")]
    [InlineData("/api/v1/traffic/users?limit=12")]
    [InlineData("/api/v1/traffic/users?from=12")]
    public async Task Queries_hold_no_other(string target)
    {
        await using var server = await TestServer.StartAsync("--auth.enable=false");
        Assert.NotEqual(400, (await Reply.Of(server.Port, "GET", target)).Status);
        Assert.Equal(400, (await Reply.Of(server.Port, "GET", target + "%00")).Status);
    }

    /// <summary>Where the class library reads one all the same: text that is our own, or the kernel's.</summary>
    private static readonly string[] Own =
        ["Descriptors", "LeftCounters", "MemoryGroup", "SqliteStatement", "WholeNumber"];

    [Fact]
    public void Nobody_reads_strangers_numbers_otherwise()
    {
        var readers = typeof(Program).Assembly.GetTypes().SelectMany(TypeUses.Of)
            .Where(static u => u.Member is { Name: "TryParse", DeclaringType: { } type } && (type == typeof(long) || type == typeof(int) || type == typeof(ushort) || type == typeof(uint) || type == typeof(ulong)))
            .Select(static u => Outermost(u.From).Name).Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(Own, readers);
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;
}
