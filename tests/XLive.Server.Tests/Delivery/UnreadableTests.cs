using System.Runtime.InteropServices;
using XLive.Server.Playback.Vod.Folder;

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
        Answer answer = null!;
        var i = 0;
        Until.True(() =>
        {
            // A folder that was never looked at goes by the lane of first looks, whose one idle thread was started as nobody.
            var name = $"x{i++}/secret.ts";
            File.SetUnixFileMode(server.Write(name, "SECRET"), UnixFileMode.None);
            AsNobody(() =>
            {
                var first = source.FindAsync("/none/none.ts", 0, default).AsTask();
                Assert.True(first.Wait(Until.Patience));
            });
            answer = server.Fetch("/" + name);
            Assert.True(answer.Status is 403 or 200, answer.StatusLine);
            return answer.Status == 403;
        }, "a refusal");
        Assert.Equal("no-store", answer["Cache-Control"]);
        Assert.Equal("*", answer["Access-Control-Allow-Origin"]);
        Assert.DoesNotContain("SECRET", answer.Text);
        Assert.Contains($"/x{i - 1}/secret.ts: the file may not be read", server.Log());
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
