using Npgsql;
using XLive.Server.Settings;
using XLive.Server.Storage;
using XLive.Server.Tests.Settings;

namespace XLive.Server.Tests.Storage;

public sealed class PostgresUrlTests
{
    [Theory]
    [InlineData("postgres://u:p@db.example/x", "db.example", 5432, "u", "p", "x")]
    [InlineData("postgresql://u@db.example:6432/x", "db.example", 6432, "u", null, "x")]
    [InlineData("postgres://u:p%40%2F%23%3A%C3%A9@10.0.0.1/x", "10.0.0.1", 5432, "u", "p@/#:\u00e9", "x")]
    [InlineData("postgres://u:p;Host=evil@h/x", "h", 5432, "u", "p;Host=evil", "x")]
    [InlineData("postgres://u:a:b@[2001:db8::1]:7/x", "2001:db8::1", 7, "u", "a:b", "x")]
    [InlineData("postgres://u@/x?host=/run/postgresql", "/run/postgresql", 5432, "u", null, "x")]
    [InlineData("postgres://u@h/my%20base", "h", 5432, "u", null, "my base")]
    public void It_reads_as_libpq_reads_it(string text, string host, int port, string user, string? password, string database)
    {
        Assert.Null(PostgresUrl.Fault(text));
        NpgsqlConnectionStringBuilder settings = PostgresUrl.Parse(text).Settings();
        Assert.Equal((host, port, user, password, database), (settings.Host, settings.Port, settings.Username, settings.Password, settings.Database));
    }

    [Theory]
    [InlineData("disable", SslMode.Disable)]
    [InlineData("prefer", SslMode.Prefer)]
    [InlineData("require", SslMode.Require)]
    [InlineData("verify-ca", SslMode.VerifyCA)]
    [InlineData("verify-full", SslMode.VerifyFull)]
    public void Sslmode_says_what_it_says_elsewhere(string mode, SslMode expected) =>
        Assert.Equal(expected, PostgresUrl.Parse($"postgres://u:p@h/d?sslmode={mode}&application_name=a").Settings().SslMode);

    [Theory]
    [InlineData("mysql://u:SECRET@h/d", "postgres://")]
    [InlineData("Host=h;Password=SECRET", "postgres://")]
    [InlineData("postgres://u:SECRET@h", "names no database")]
    [InlineData("postgres://u:SECRET@h/", "names no database")]
    [InlineData("postgres://u:SECRET@h/a/b", "names no database")]
    [InlineData("postgres://:SECRET@h/d", "names no user")]
    [InlineData("postgres://h/d", "names no user")]
    [InlineData("postgres://u:SECRET@/d", "names no host")]
    [InlineData("postgres://u:SECRET@h:0/d", "port")]
    [InlineData("postgres://u:SECRET@h:65536/d", "port")]
    [InlineData("postgres://u:SECRET@h:x/d", "port")]
    [InlineData("postgres://u:SECRET@[::g]/d", "IPv6")]
    [InlineData("postgres://u:SECRET@[::1/d", "port")]
    [InlineData("postgres://u:SECRET@h1,h2/d", "several hosts")]
    [InlineData("postgres://u:SEC RET@h/d", "percent-encode")]
    [InlineData("postgres://u:SECRET#1@h/d", "fragment")]
    [InlineData("postgres://u:SECRET@h/d?sslmode=maybe", "sslmode")]
    [InlineData("postgres://u:p@h/d?password=SECRET", "option")]
    [InlineData("postgres://u:SECRET@h/d?host=relative", "option")]
    [InlineData("postgres://u:SECRET@h/d?connect_timeout=0", "option")]
    public void A_wrong_one_stops_the_start_and_is_not_repeated(string text, string says)
    {
        using SettingsFolder folder = new();
        SettingsException refused = Assert.Throws<SettingsException>(() => ServerSettings.Load(folder.Input("--database.url=" + text)));
        string line = Assert.Single(refused.Faults).ToString();
        Assert.Contains("database.url", line, StringComparison.Ordinal);
        Assert.Contains(says, line, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", line, StringComparison.Ordinal);
        Assert.DoesNotContain("RET", line, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_a_secret_and_may_stand_in_a_file_of_its_own()
    {
        using SettingsFolder folder = new();
        string file = folder.Write("url", "postgres://u:SECRET@h/d\n");
        ServerSettings settings = ServerSettings.Load(folder.Input("--database.url_file=" + file));
        Assert.Equal("postgres://u:SECRET@h/d", settings.Of<DatabaseOptions>().Url);
        Assert.DoesNotContain(settings.Describe(), key => key.Value.Contains("SECRET", StringComparison.Ordinal));
    }
}
