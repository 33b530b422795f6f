using System.Diagnostics;

namespace XLive.EndToEnd.Harness;

/// <summary>A disk that turns read-only under whoever has files open on it, and back (rofs/rofs.c).</summary>
internal sealed class TurningDisk : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> s_program = new(() => FuseProgram.Compile("rofs"));

    private readonly string _at;
    private readonly string _switch;
    private readonly Process _process;

    private TurningDisk(string at, string control, Process process) => (_at, _switch, _process) = (at, control, process);

    /// <param name="source">Where it keeps what is written to it.</param>
    public static async Task<TurningDisk> Mount(string source, string at)
    {
        Directory.CreateDirectory(source);
        Directory.CreateDirectory(at);
        var control = source + ".readonly";
        var process = Process.Start(new ProcessStartInfo(await s_program.Value, [source, control, at, "-f"]) { RedirectStandardError = true })!;
        var said = process.StandardError.ReadToEndAsync();
        var disk = new TurningDisk(at, control, process);
        for (var began = Stopwatch.StartNew(); !FuseProgram.IsMounted(at); await Task.Delay(20))
        {
            if (process.HasExited || began.Elapsed > TimeSpan.FromSeconds(10))
            {
                await disk.DisposeAsync();
                throw new InvalidOperationException($"{at} could not be mounted: is there a /dev/fuse, and leave to use it?\n{await said}");
            }
        }
        return disk;
    }

    public void TurnReadOnly() => File.WriteAllText(_switch, "");

    public void TurnWritable() => File.Delete(_switch);

    public async ValueTask DisposeAsync()
    {
        TurnWritable();
        for (var attempt = 0; attempt < 5 && FuseProgram.IsMounted(_at); attempt++)
        {
            // Lazily at last: gone from the tree at once, and for good when the last user lets go.
            await Tool.Run("fusermount3", attempt < 4 ? ["-u", _at] : ["-u", "-z", _at], TimeSpan.FromSeconds(5));
            await Task.Delay(attempt * 100);
        }
        await Tool.Stop(_process, TimeSpan.FromSeconds(5));
        _process.Dispose();
    }
}
