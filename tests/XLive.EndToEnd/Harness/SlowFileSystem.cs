using System.Diagnostics;

namespace XLive.EndToEnd.Harness;

/// <summary>
/// A folder seen through a slow disk (slowfs/slowfs.c): for paths that contain "slow", calls of the kinds <c>getattr</c>,
/// <c>open</c>, <c>read</c> and <c>readdir</c> take their time or hang until told otherwise.
/// </summary>
public sealed class SlowFileSystem : IAsyncDisposable
{
    static readonly Lazy<Task<string>> Program = new(() => FuseProgram.Compile("slowfs"));
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
            for (var began = Stopwatch.StartNew(); !FuseProgram.IsMounted(slow.Root); await Task.Delay(20))
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
            for (var attempt = 0; attempt < 5 && FuseProgram.IsMounted(Root); attempt++)
            {
                // Lazily at last: gone from the tree at once, and for good when the last user lets go.
                await Tool.Run("fusermount3", attempt < 4 ? ["-u", Root] : ["-u", "-z", Root], TimeSpan.FromSeconds(5));
                await Task.Delay(attempt * 100);
            }
            await Tool.Stop(_process, TimeSpan.FromSeconds(5));
            _process.Dispose();
        }
        if (!FuseProgram.IsMounted(Root)) // or what lies behind it would be deleted
        {
            _folder.Dispose();
        }
    }

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

    sealed class Releaser(SlowFileSystem disk) : IDisposable
    {
        public void Dispose() => disk.Release();
    }
}
