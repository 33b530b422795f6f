using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using XLive.Server.Settings;

namespace XLive.Server.Operations.Commands;

internal static class WarmCommand
{
    public const string Help = """
        warm PATH...

        Has the running server fetch films of its origin into the cache before anybody asks for them. With backend.mode http or hybrid.

          /films/movie1/index.m3u8   a playlist, and all that it names but keys; of a live one only itself
          /films/movie1/a.ts         one path
          /films/movie1/             all that is kept below it is asked about again
          '/films/movie1*'           all that is kept and begins so

        Prints how far it is, what could not be had and why, and a sum. Ctrl-C stops it. Exit: 0 all of it is warm, 1 it is not.
        """;

    private const string Jobs = "/api/v1/cache/warm";
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    // Lines in a log: often enough to see that it goes on.
    private static readonly TimeSpan Line = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(CommandLineWords words)
    {
        words.NothingElse();
        if (words.Plain.Count == 0)
            throw new UsageException("give at least one PATH");
        using var server = RunningServer.Of(ServerSettings.Load(SettingsInput.OfProcess(words.Settings)));
        using var stop = new CancellationTokenSource();
        void OnSignal(PosixSignalContext signal)
        {
            signal.Cancel = true;
            stop.Cancel();
        }
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        var job = await server.AskAsync(HttpMethod.Post, Jobs, words.Plain);
        var its = Jobs + "/" + job.GetProperty("id").GetString();
        var progress = new Progress();
        var asked = false;
        while (job.GetProperty("state").GetString() == "running")
        {
            progress.Show(job);
            await Task.Delay(Look, asked ? default : stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var isStop = stop.IsCancellationRequested && !asked;
            asked |= isStop;
            job = await server.AskAsync(isStop ? HttpMethod.Delete : HttpMethod.Get, its);
        }
        progress.End();
        return Sum(job);
    }

    private static int Sum(JsonElement job)
    {
        var shown = 0;
        foreach (var failure in job.GetProperty("failures").EnumerateArray())
        {
            Console.Error.WriteLine($"{failure.GetProperty("path").GetString()}: {failure.GetProperty("why").GetString()}");
            shown++;
        }
        var failed = job.GetProperty("failed").GetInt32();
        if (failed > shown)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"and {failed - shown} more"));
        var (state, why) = (job.GetProperty("state").GetString()!, job.GetProperty("why").GetString()!);
        Console.WriteLine($"{state}: {Words(job)}{(failed > 0 ? string.Create(CultureInfo.InvariantCulture, $", {failed} failed") : "")}{(why.Length > 0 ? "; " + why : "")}");
        return state == "done" ? 0 : 1;
    }

    private static string Words(JsonElement job) => string.Create(CultureInfo.InvariantCulture,
        $"{job.GetProperty("warm").GetInt32()} of {job.GetProperty("total").GetInt32()} warm, {job.GetProperty("bytes").GetInt64()} bytes");

    /// <summary>One line that changes, on a terminal; elsewhere a line now and then.</summary>
    private sealed class Progress
    {
        private readonly bool _isTerminal = !Console.IsOutputRedirected;
        private long _told = Environment.TickCount64;
        private int _width;

        public void Show(JsonElement job)
        {
            var words = Words(job);
            if (_isTerminal)
            {
                Console.Write("\r" + words.PadRight(_width));
                _width = words.Length;
                return;
            }
            if (Environment.TickCount64 - _told < Line.TotalMilliseconds)
                return;
            _told = Environment.TickCount64;
            Console.WriteLine(words);
        }

        public void End()
        {
            if (_width > 0)
                Console.Write("\r" + new string(' ', _width) + "\r");
        }
    }
}
