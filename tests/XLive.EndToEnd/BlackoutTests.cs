using System.Diagnostics;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

/// <summary>A viewer in a tunnel: his network takes nothing and says nothing for a while.</summary>
public sealed class BlackoutTests : IDisposable
{
    const int Size = 12 << 20;
    readonly TempFolder _films = new();
    readonly byte[] _film = new byte[Size];

    public BlackoutTests()
    {
        Random.Shared.NextBytes(_film);
        File.WriteAllBytes(_films["film.ts"], _film);
    }

    public void Dispose() => _films.Dispose();

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_transfer_that_was_blocked_goes_on_to_its_end()
    {
        await using var link = await LossyLink.Up("-x delay=10 -f rate=20m");
        await using var server = await ServerProcess.Start(_films.Path, null, [], new(link.ServerSide));
        var got = _films["got.ts"];
        var viewer = Fetch(link, server, got);
        await Grows(got, Size / 10);
        await link.Black();
        var at = new FileInfo(got).Length;
        await Task.Delay(TimeSpan.FromSeconds(7), Stop);
        Assert.InRange(new FileInfo(got).Length, at, at + (1 << 20)); // black indeed
        await link.Clear();
        var status = await viewer;
        Assert.Equal("200", status.MustSucceed().Output.Trim());
        var bytes = await File.ReadAllBytesAsync(got, Stop);
        Assert.True(bytes.AsSpan().SequenceEqual(_film));
        await Logged(server, "\" 200 ");
    }

    [Fact]
    public async Task Who_is_away_for_longer_than_the_timeout_is_cut_and_not_before()
    {
        await using var link = await LossyLink.Up("-x delay=10 -f rate=20m");
        await using var server = await ServerProcess.Start(_films.Path, null, ["--network.send_idle_timeout=4s"], new(link.ServerSide));
        var got = _films["got.ts"];
        var viewer = Fetch(link, server, got);
        await Grows(got, Size / 10);
        await link.Black();
        var clock = Stopwatch.StartNew();
        await Logged(server, "\" 499 ");
        Assert.InRange(clock.Elapsed.TotalSeconds, 3.5, 8);
        await link.Clear();
        Assert.NotEqual(0, (await viewer).ExitCode);
    }

    static Task<ToolResult> Fetch(LossyLink link, ServerProcess server, string into) => Tool.Run("ip",
        ["netns", "exec", link.ViewerSide, "curl", "-s", "-m", "16", "-o", into, "-w", "%{http_code}",
            $"http://{LossyLink.ServerAddress}:{server.Port}{ServerProcess.Sign("/film.ts", scope: "/film.ts").InQuery}"], TimeSpan.FromSeconds(19));

    static async Task Grows(string file, long to)
    {
        for (var clock = Stopwatch.StartNew(); !File.Exists(file) || new FileInfo(file).Length < to; await Task.Delay(20, Stop))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), "the transfer does not begin");
        }
    }

    static async Task Logged(ServerProcess server, string what)
    {
        var log = Path.Combine(server.LogFolder, "access.log");
        for (var clock = Stopwatch.StartNew(); !File.Exists(log) || !(await File.ReadAllTextAsync(log, Stop)).Contains(what, StringComparison.Ordinal); await Task.Delay(50, Stop))
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(12), $"access.log has no line with{what}");
        }
    }
}
