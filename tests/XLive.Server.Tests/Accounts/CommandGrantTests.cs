using System.Net;
using XLive.Server.Accounts;
using XLive.Server.Storage;

namespace XLive.Server.Tests.Accounts;

/// <summary>Who may read data/keys may command the server, one request at a time, and nobody else.</summary>
public sealed class CommandGrantTests
{
    private static async Task<HttpStatusCode> Ask(AccountsHost host, string path, string authorization, HttpMethod? method = null)
    {
        using HttpRequestMessage request = new(method ?? HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using HttpResponseMessage answer = await host.Send(request);
        return answer.StatusCode;
    }

    [Fact]
    public async Task It_covers_one_target_for_half_a_minute()
    {
        await using AccountsHost host = await AccountsHost.StartAsync();
        CommandGrants grants = host.Get<CommandGrants>();
        string grant = grants.Make("GET", "/administered");
        Assert.Equal(HttpStatusCode.OK, await Ask(host, "/administered", grant));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(host, "/monitored", grant));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(host, "/administered?a=1", grant));
        Assert.Equal(HttpStatusCode.OK, await Ask(host, "/administered?a=1", grants.Make("GET", "/administered?a=1")));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(host, "/administered", grants.Make("POST", "/administered")));
        host.Clock.Pass(TimeSpan.FromSeconds(31));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(host, "/administered", grant));
        // One from a clock that is ahead would hold longer than it may.
        string ahead = grants.Make("GET", "/administered");
        host.Clock.Pass(TimeSpan.FromSeconds(-20));
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(host, "/administered", ahead));
        Assert.DoesNotContain(grant[^20..], host.AllLogs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_made_with_the_key_is_nothing()
    {
        await using AccountsHost host = await AccountsHost.StartAsync();
        string grant = host.Get<CommandGrants>().Make("GET", "/administered");
        string[] parts = grant.Split(' ', '.');
        string first = parts[2][0] == 'A' ? "B" : "A";
        foreach (string forged in (string[])[
            $"{parts[0]} {parts[1]}.{first}{parts[2][1..]}", $"{parts[0]} {parts[1]}.{parts[2][..^1]}", $"{parts[0]} {parts[1]}.{parts[2]}=", $"{parts[0]} {parts[1]}.",
            $"{parts[0]} {parts[1]}", $"{parts[0]} 0{parts[1]}.{parts[2]}", $"{parts[0]} {parts[1]}\0.{parts[2]}", $"{parts[0]} 99999999999999999999.{parts[2]}", $"{parts[0]} .{parts[2]}",
            $"{parts[0]} -1.{parts[2]}", $"{grant}.x", $"{parts[0]} ", "XLive-Command", $"Bearer {parts[1]}.{parts[2]}", grant.ToLowerInvariant()])
        {
            Assert.NotEqual(HttpStatusCode.OK, await Ask(host, "/administered", forged));
        }
        await using AccountsHost other = await AccountsHost.StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await Ask(host, "/administered", other.Get<CommandGrants>().Make("GET", "/administered")));
        string key = Path.Combine(host.DataDir, "keys", "command");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
    }

    [Fact]
    public void A_command_makes_no_key()
    {
        string folder = Directory.CreateTempSubdirectory("xlive-grants-").FullName;
        Assert.Null(CommandGrants.Of(new DataOptions { Dir = folder + "/data" }, Microsoft.Extensions.Logging.Abstractions.NullLogger<KeyFiles>.Instance));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
        Directory.Delete(folder);
    }
}
