using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XLive.Server.Operations.Health;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Health;

/// <summary>A server to which something is done, and what an operator and his Prometheus read of it meanwhile.</summary>
internal sealed class HealthHouse(string check, ITestOutputHelper? output) : IAsyncDisposable
{
    /// <summary>What the specification gives a fault to show itself.</summary>
    public static readonly TimeSpan Soon = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = new();
    private readonly List<IDisposable> _things = [];
    private HandClock? _clock;

    public string Folder { get; } = Directory.CreateTempSubdirectory("xlive-health-").FullName;

    public TestServer Server { get; private set; } = null!;

    /// <summary>Done for as long as the test waits, when something must come for the fault to show.</summary>
    public Action? Meanwhile { get; set; }

    /// <summary>Gone with the test.</summary>
    public T Has<T>(T thing) where T : IDisposable
    {
        _things.Add(thing);
        return thing;
    }

    public async Task StartAsync(params string[] settings) => await StartAsync(null, settings);

    public async Task StartAsync(HandClock? clock, params string[] settings)
    {
        _clock = clock;
        Server = await TestServer.StartAsync((TimeProvider?)clock ?? TimeProvider.System, ["--auth.enable=false", .. settings]);
        Server.Write("film.ts", Pattern.Bytes(100_000));
        Well();
    }

    /// <summary>A disk of its own, as large as is said; only root may mount one.</summary>
    public string Disk(string name, string size)
    {
        var at = Path.Combine(Folder, name);
        Directory.CreateDirectory(at);
        Run("mount", "-t", "tmpfs", "-o", $"size={size},mode=700", "xlive-health", at);
        return Has(new Mounted(at)).At;
    }

    public static void Fill(string file)
    {
        // Without a buffer: what did not fit into it would be written once more at the end.
        using var filler = new FileStream(file, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        var zeros = new byte[1 << 16];
        for (var piece = zeros.Length; piece > 0;)
        {
            try
            {
                filler.Write(zeros, 0, piece);
            }
            catch (IOException)
            {
                piece /= 2;
            }
        }
    }

    public void Well(TimeSpan? within = null) => Is(HealthState.Healthy, "", within);

    public void Degraded(string says) => Is(HealthState.Degraded, says);

    /// <summary>Within five seconds, unless said otherwise: of the server's clock, where that is moved by hand.</summary>
    public void Is(HealthState state, string says, TimeSpan? within = null)
    {
        var limit = within ?? Soon;
        var step = TimeSpan.FromMilliseconds(Math.Max(250, limit.TotalMilliseconds / 100));
        var real = Stopwatch.StartNew();
        var passed = TimeSpan.Zero;
        while (true)
        {
            Meanwhile?.Invoke();
            var (status, detail) = Asked();
            var figure = Figure();
            if (status == HealthEndpoints.Word(state) && detail.Contains(says, StringComparison.Ordinal) && figure == (int)state)
                break;
            // Its threads need time of this world, however fast that of the server goes.
            var isLate = _clock is null ? real.Elapsed > limit : passed >= limit && real.Elapsed > Until.Patience;
            Assert.False(isLate, $"{check} is not {state} ('{says}') after {(_clock is null ? real.Elapsed : passed)}, but {status} ({detail}), and its figure {figure}");
            if (_clock is not null && passed < limit)
            {
                _clock.Pass(step);
                passed += step;
            }
            Thread.Sleep(20);
        }
        output?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{check} is {state} after {(_clock is null ? real.Elapsed : passed).TotalSeconds:0.0} s: {Asked().Detail}"));
    }

    private (string Status, string Detail) Asked()
    {
        using var json = JsonDocument.Parse(Text("/health"));
        var entry = json.RootElement.GetProperty("checks").EnumerateArray().Single(c => c.GetProperty("name").GetString() == check);
        return (entry.GetProperty("status").GetString()!, entry.GetProperty("detail").GetString()!);
    }

    private int Figure()
    {
        var name = $"\nxlive_health{{check=\"{check}\"}} ";
        var page = Text("/metrics");
        var at = page.IndexOf(name, StringComparison.Ordinal);
        Assert.True(at >= 0, $"no figure of {check}");
        return page[at + name.Length] - '0';
    }

    // 503 is an answer like any other; its connection stays, for another could not be made where none is left.
    private string Text(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{Server.Port}{path}");
        using var answer = _http.Send(request);
        using var text = new StreamReader(answer.Content.ReadAsStream());
        return text.ReadToEnd();
    }

    private static void Run(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {errors}");
    }

    public async ValueTask DisposeAsync()
    {
        Meanwhile = null;
        _http.Dispose();
        if (Server is not null)
        {
            // What waits for the time to pass at the end, waits for this clock.
            var ending = Server.DisposeAsync().AsTask();
            for (; !ending.IsCompleted; await Task.Delay(10))
                _clock?.Pass(TimeSpan.FromSeconds(1));
            await ending;
        }
        for (var i = _things.Count - 1; i >= 0; i--)
            _things[i].Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private sealed record Mounted(string At) : IDisposable
    {
        public void Dispose() => Run("umount", "-l", At);
    }
}
