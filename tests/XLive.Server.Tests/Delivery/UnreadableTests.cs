using System.Runtime.InteropServices;
using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Sending;

namespace XLive.Server.Tests.Delivery;

/// <summary>
/// Files that the server's user may not read. Root may read everything, so here a thread takes the file rights of nobody (setfsuid(2)
/// counts for one thread), and the threads that it starts inherit them: the refusal is the kernel's own.
/// </summary>
public sealed partial class UnreadableTests
{
    private const uint Nobody = 65534;

    [LibraryImport("libc")]
    private static partial int setfsuid(uint uid);

    [LibraryImport("libc")]
    private static partial int setfsgid(uint gid);

    private static void AsNobody(Action act)
    {
        Exception? failed = null;
        var thread = new Thread(() =>
        {
            _ = setfsgid(Nobody);
            _ = setfsuid(Nobody);
            try
            {
                act();
            }
            catch (Exception e)
            {
                failed = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failed is not null)
            Assert.Fail(failed.ToString());
    }

    [Theory]
    [InlineData("inside")]
    [InlineData("any")]
    public async Task An_unreadable_file_is_403_and_a_line_in_the_log(string links)
    {
        await using var server = await TestServer.StartAsync("--backend.filesystem.links=" + links);
        var source = server.Get<FolderSource>();
        File.SetUnixFileMode(server.Folder, (UnixFileMode)0x1ED);
        File.SetUnixFileMode(server.Write("x/secret.ts", "SECRET"), UnixFileMode.None);
        // Every thread that the lane of first looks may have is started by nobody, so whichever takes the request has nobody's rights.
        using var gate = new ManualResetEventSlim();
        AsNobody(() =>
        {
            for (var i = 0; i < FileThreads.MaxThreads / 2; i++)
                source.Lanes.For("/x/secret.ts").Enqueue(new Held(gate));
        });
        Assert.Equal(FileThreads.MaxThreads / 2, source.Lanes.Threads);
        gate.Set();
        var answer = server.Fetch("/x/secret.ts");
        Assert.Equal(403, answer.Status);
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.DoesNotContain("SECRET", answer.Text);
        Assert.Contains("/x/secret.ts: the file may not be read", server.Log());
    }

    private sealed class Held(ManualResetEventSlim gate) : IFileWork
    {
        public void Run() => gate.Wait();
    }

    [Fact]
    public void A_folder_that_may_not_be_entered_is_403_too()
    {
        using var folder = new MediaFolder();
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0x1ED);
        folder.Write("open/a.ts", "readable");
        folder.Write("closed/a.ts", "SECRET");
        File.SetUnixFileMode(Path.Combine(folder.Root, "closed"), UnixFileMode.None);
        AsNobody(() =>
        {
            Assert.Equal(FileFault.None, folder.Opener().Open("/open/a.ts", null).Fault);
            Assert.Equal(FileFault.Forbidden, folder.Opener().Open("/closed/a.ts", null).Fault);
            Assert.Equal(FileFault.Forbidden, folder.Opener().Open("/closed/none.ts", null).Fault);
        });
    }

    [Fact]
    public void Rights_that_are_taken_away_count_within_a_second()
    {
        using var folder = new MediaFolder();
        File.SetUnixFileMode(folder.Root, (UnixFileMode)0x1ED);
        var path = folder.Write("x/a.ts", "readable");
        FileEntry known = null!;
        AsNobody(() =>
        {
            known = folder.Opener().Open("/x/a.ts", null).Entry!;
            Assert.Same(known, folder.Opener().Open("/x/a.ts", known).Entry);
        });
        File.SetUnixFileMode(path, UnixFileMode.None);
        AsNobody(() => Assert.Equal(FileFault.Forbidden, folder.Opener().Open("/x/a.ts", known).Fault));
    }
}
