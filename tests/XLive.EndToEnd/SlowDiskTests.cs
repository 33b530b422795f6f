using System.Diagnostics;
using System.Net;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>Network file systems hang. Whoever waits for one file must not hold up those who want another.</summary>
public sealed class SlowDiskTests
{
    const int Waiting = 64;

    [Theory, InlineData("getattr"), InlineData("open"), InlineData("read")]
    public async Task Files_that_hang_do_not_hold_up_others(string call)
    {
        using var source = new TempFolder();
        Directory.CreateDirectory(source["film"]);
        var bytes = new byte[200_000];
        Random.Shared.NextBytes(bytes);
        await File.WriteAllBytesAsync(Path.Combine(source["film"], "quick.ts"), bytes, TestContext.Current.CancellationToken);
        for (var i = 0; i < Waiting; i++)
        {
            await File.WriteAllBytesAsync(Path.Combine(source["film"], $"slow{i}.ts"), bytes, TestContext.Current.CancellationToken);
        }
        await using var disk = await SlowFileSystem.Mount(source.Path);
        await using var server = await ServerProcess.Start(disk.Root);
        async Task<byte[]> Get(string name) => await server.Http.GetByteArrayAsync(ServerProcess.Sign($"/film/{name}").InQuery);

        await Get("quick.ts");
        using var hang = disk.Hang(call);
        var hung = Enumerable.Range(0, Waiting).Select(i => Get($"slow{i}.ts")).ToArray();
        await Task.Delay(1000, TestContext.Current.CancellationToken);
        Assert.DoesNotContain(hung, request => request.IsCompleted);

        for (var i = 0; i < 10; i++)
        {
            var began = Stopwatch.StartNew();
            Assert.Equal(bytes, await Get("quick.ts"));
            Assert.InRange(began.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        }
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync("/health/live", TestContext.Current.CancellationToken)).StatusCode);

        disk.Release();
        foreach (var body in await Task.WhenAll(hung))
        {
            Assert.Equal(bytes, body);
        }
    }
}
