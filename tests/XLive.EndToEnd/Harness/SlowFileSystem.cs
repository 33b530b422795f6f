using System.Diagnostics;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// A folder seen through a slow disk (slowfs/slowfs.c): for paths that contain "slow", calls of the kinds <c>getattr</c>,
/// <c>open</c>, <c>read</c> and <c>readdir</c> take their time or hang until told otherwise.
/// </summary>
public sealed class SlowFileSystem : IAsyncDisposable
{
    static readonly Lazy<Task<string>> Program = new(Compile);
    readonly TempFolder _folder = new();
    Process? _process;

    SlowFileSystem()
    {
    }

    /// <summary>What to serve.</summary>
    public string Root => _folder["mount"];

    string Control => _folder["control"];

    public static async Task<SlowFileSystem> Mount(string source)
    {
        var program = await Program.Value;
        var slow = new SlowFileSystem();
        try
        {
            Directory.CreateDirectory(slow.Root);
            slow.Release();
            slow._process = Process.Start(new ProcessStartInfo(program, [source, slow.Control, slow.Root, "-f"]) { RedirectStandardError = true })!;
            var said = slow._process.StandardError.ReadToEndAsync(); // some versions of libfuse complain of a default of their own
            for (var began = Stopwatch.StartNew(); !IsMounted(slow.Root); await Task.Delay(20))
            {
                if (slow._process.HasExited || began.Elapsed > TimeSpan.FromSeconds(10))
                {
                    await Tool.Stop(slow._process, TimeSpan.FromSeconds(5));
                    throw new InvalidOperationException($"The slow file system could not be mounted: is there a /dev/fuse, and leave to use it?\n{await said}");
                }
            }
            return slow;
        }
        catch
        {
            await slow.DisposeAsync();
            throw;
        }
    }

    /// <summary>Calls of this kind take so long, until the returned value is disposed.</summary>
    public IDisposable Delay(string call, TimeSpan time) => Slow($"{call} {(int)time.TotalMilliseconds}\n");

    /// <summary>
    /// Calls of these kinds hang, until the returned value is disposed. Declare it after the server: who waits for a hung
    /// call cannot be stopped, nor killed.
    /// </summary>
    public IDisposable Hang(params IEnumerable<string> calls) => Slow(string.Concat(calls.Select(call => $"{call} hang\n")));

    /// <summary>All calls pass, those that hang too.</summary>
    public void Release() => Write("");

    public async ValueTask DisposeAsync()
    {
        Release(); // a call that hangs would keep the mount busy, and whoever waits for it from dying
        if (_process is not null)
        {
            for (var attempt = 0; attempt < 5 && IsMounted(Root); attempt++)
            {
                // Lazily at last: gone from the tree at once, and for good when the last user lets go.
                await Tool.Run("fusermount3", attempt < 4 ? ["-u", Root] : ["-u", "-z", Root], TimeSpan.FromSeconds(5));
                await Task.Delay(attempt * 100);
            }
            await Tool.Stop(_process, TimeSpan.FromSeconds(5));
            _process.Dispose();
        }
        if (!IsMounted(Root)) // or what lies behind it would be deleted
        {
            _folder.Dispose();
        }
    }

    static bool IsMounted(string folder) => File.ReadLines("/proc/self/mounts").Any(line => line.Split(' ')[1] == folder);

    Releaser Slow(string text)
    {
        Write(text);
        return new(this);
    }

    void Write(string text)
    {
        File.WriteAllText(Control + ".new", text);
        File.Move(Control + ".new", Control, overwrite: true);
    }

    static async Task<string> Compile()
    {
        var source = Path.Combine(Repository.EndToEnd, "slowfs", "slowfs.c");
        var program = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "slowfs")).FullName, "slowfs");
        if (!File.Exists(program) || File.GetLastWriteTimeUtc(program) < File.GetLastWriteTimeUtc(source))
        {
            var flags = (await Tool.Run("pkg-config", ["--cflags", "--libs", "fuse3"], TimeSpan.FromSeconds(10))).MustSucceed().Output;
            string[] options = ["-O2", "-o", $"{program}.new", source, .. flags.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
            (await Tool.Run("gcc", options, TimeSpan.FromMinutes(1))).MustSucceed();
            File.Move($"{program}.new", program, overwrite: true);
        }
        return program;
    }

    sealed class Releaser(SlowFileSystem disk) : IDisposable
    {
        public void Dispose() => disk.Release();
    }
}
