using XLive.Server.Playback.Vod.Folder;

namespace XLive.Server.Tests.Delivery;

/// <summary>As if the door had let everything through: what opens files refuses for itself.</summary>
public sealed partial class BeneathRootTests : IDisposable
{
    private readonly MediaFolder _folder = new();

    public BeneathRootTests() => _folder.Write("films/a.ts", "FILM");

    public void Dispose() => _folder.Dispose();

    [System.Runtime.InteropServices.LibraryImport("libc", StringMarshalling = System.Runtime.InteropServices.StringMarshalling.Utf8)]
    private static partial int symlink(string target, string path);

    [System.Runtime.InteropServices.LibraryImport("libc", StringMarshalling = System.Runtime.InteropServices.StringMarshalling.Utf8)]
    private static partial int rename(string from, string to);

    public static TheoryData<string> Ways() =>
    [
        "/../canary", "/films/../../canary", "/films/./../../canary", "//etc/passwd", "///etc/passwd", "/../../../../../../../../etc/passwd",
        "/films/../../media/../canary", "/films/..", "/..", "/.", "/", "", "films/a.ts", "../canary", "/films/a.ts\0.jpg", "/films\0/../../canary",
        "/../canary\0.ts", "/films/a.ts/../../../canary",
    ];

    [Theory]
    [MemberData(nameof(Ways))]
    public void Nothing_outside_is_opened(string path)
    {
        foreach (var opener in (FileOpener[])[_folder.Opener(), WithoutOpenat2(), _folder.Opener(LinkPolicy.Any)])
        {
            var answer = opener.Open(path, null);
            Assert.Null(answer.Entry);
            Assert.Equal(FileFault.NotFound, answer.Fault);
        }
    }

    private FileOpener WithoutOpenat2()
    {
        var opener = _folder.Opener();
        opener.HasOpenat2 = false;
        return opener;
    }

    [Fact]
    public void A_kernel_without_openat2_tells_the_same()
    {
        var links = new Dictionary<string, bool>
        {
            ["../canary"] = false, ["films/a.ts"] = true, [Path.Combine(_folder.Root, "films/a.ts")] = true, [Path.Combine(_folder.Folder, "canary")] = false,
            ["/etc/passwd"] = false, ["nowhere"] = false, ["../media/films/a.ts"] = true,
        };
        var i = 0;
        foreach (var (target, inside) in links)
        {
            File.CreateSymbolicLink(Path.Combine(_folder.Root, $"link{i}.ts"), target);
            foreach (var opener in (FileOpener[])[_folder.Opener(), WithoutOpenat2()])
            {
                var entry = opener.Open($"/link{i}.ts", null).Entry;
                Assert.Equal(inside ? "FILM" : null, entry is null ? null : System.Text.Encoding.ASCII.GetString(entry.Bytes!));
            }
            i++;
        }
        Assert.Equal(FileFault.NotFound, WithoutOpenat2().Open("/films", null).Fault);
        Assert.Equal(FileFault.NotFound, WithoutOpenat2().Open("/none.ts", null).Fault);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_link_swapped_in_and_out_never_leads_outside(bool openat2)
    {
        Directory.CreateDirectory(Path.Combine(_folder.Folder, "outside"));
        File.WriteAllText(Path.Combine(_folder.Folder, "outside/a.ts"), "CANARY");
        var swapped = Path.Combine(_folder.Root, "swapped");
        using var stop = new CancellationTokenSource();
        var swapper = new Thread(() =>
        {
            string[] targets = ["films", "../outside", Path.Combine(_folder.Root, "films"), Path.Combine(_folder.Folder, "outside")];
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                // The calls themselves: the library's look at what a link leads to, which changes meanwhile.
                _ = symlink(targets[i % targets.Length], swapped + "-next");
                _ = rename(swapped + "-next", swapped);
            }
        });
        swapper.Start();
        try
        {
            var opener = openat2 ? _folder.Opener() : WithoutOpenat2();
            var found = 0;
            for (var i = 0; i < 100_000 && (i < 10_000 || found == 0); i++)
            {
                var answer = opener.Open("/swapped/a.ts", null);
                if (answer.Entry is null)
                    continue;
                Assert.Equal("FILM"u8, answer.Entry.Bytes.AsSpan());
                found++;
            }
            Assert.True(found > 0, "the way inside was open at times");
        }
        finally
        {
            stop.Cancel();
            swapper.Join();
        }
    }

    [Theory]
    [InlineData("/proc/self/root/etc/passwd")]
    [InlineData("/proc/self/cwd")]
    [InlineData("/proc/1/root")]
    [InlineData("/dev/zero")]
    [InlineData("/dev/stdin")]
    [InlineData("/proc/self/fd/0")]
    public void Links_to_the_kernel_s_own_files_lead_nowhere(string target)
    {
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "link.ts"), target);
        Assert.Null(_folder.Opener().Open("/link.ts", null).Entry);
    }

    [Fact]
    public void A_hard_way_in_through_this_process_is_judged_by_where_it_ends()
    {
        // /proc/self/fd/N is a link of the kernel's; that of a file inside leads inside, that of one outside does not.
        using var inside = File.OpenRead(Path.Combine(_folder.Root, "films/a.ts"));
        using var outside = File.OpenRead(Path.Combine(_folder.Folder, "canary"));
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "outside.ts"), "/proc/self/fd/" + outside.SafeFileHandle.DangerousGetHandle());
        Assert.Null(_folder.Opener().Open("/outside.ts", null).Entry);
    }

    [Fact]
    public void A_file_without_a_name_is_not_inside()
    {
        var path = _folder.Write("gone.ts", "FILM");
        using var open = File.OpenRead(path);
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "ghost.ts"), "/proc/self/fd/" + open.SafeFileHandle.DangerousGetHandle());
        File.Delete(path);
        // Its place reads "/…/gone.ts (deleted)": below the root by its text alone, so it may open or not, but nothing else may.
        var answer = _folder.Opener().Open("/ghost.ts", null);
        Assert.True(answer.Entry is null || answer.Entry.Bytes.AsSpan().SequenceEqual("FILM"u8));
    }

    [Fact]
    public void The_root_may_itself_be_a_link()
    {
        var link = Path.Combine(_folder.Folder, "link-to-media");
        Directory.CreateSymbolicLink(link, _folder.Root);
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "absolute.ts"), Path.Combine(_folder.Root, "films/a.ts"));
        File.CreateSymbolicLink(Path.Combine(_folder.Root, "by-link.ts"), Path.Combine(link, "films/a.ts"));
        var opener = new FileOpener(new FolderOptions { Root = link }, () => [], new Playback.Http.KeyPaths(), new FileLanes());
        foreach (var path in (string[])["/films/a.ts", "/absolute.ts", "/by-link.ts"])
            Assert.Equal("FILM"u8, opener.Open(path, null).Entry!.Bytes.AsSpan());
        Assert.Null(opener.Open("/../canary", null).Entry);
    }
}
