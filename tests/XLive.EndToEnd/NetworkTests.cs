using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>A kernel that does not offer what network.congestion asks for is named once, and viewers are served with what there is.</summary>
public sealed class NetworkTests
{
    [Theory]
    [InlineData("auto", 1)]
    [InlineData("bbr", 1)]
    [InlineData("cubic", 1)]
    [InlineData("system", 0)]
    public async Task What_the_kernel_refuses_is_said_once(string congestion, int times)
    {
        using var films = new TempFolder();
        await File.WriteAllBytesAsync(films["a.ts"], new byte[1000], TestContext.Current.CancellationToken);
        var library = films["nocongestion.so"];
        (await Tool.Run("gcc", ["-shared", "-fPIC", "-o", library, Path.Combine(Repository.EndToEnd, "faults", "nocongestion.c")],
            TimeSpan.FromSeconds(20))).MustSucceed();
        // Two ports of two families each.
        await using var server = await ServerProcess.Start(films.Path, null,
            ["--server.host=localhost", $"--hls.port={FreePort.Next()}", $"--network.congestion={congestion}"], new(Environment: new() { ["LD_PRELOAD"] = library }));
        Assert.Equal(1000, (await server.Http.GetByteArrayAsync(ServerProcess.Sign("/a.ts", scope: "/a.ts").InQuery, TestContext.Current.CancellationToken)).Length);
        Assert.Equal(0, await server.Stop());
        Assert.Equal(times, (await File.ReadAllLinesAsync(Path.Combine(server.LogFolder, "xlive.log"), TestContext.Current.CancellationToken)).Count(line => line.Contains("network.congestion", StringComparison.Ordinal)));
    }
}
