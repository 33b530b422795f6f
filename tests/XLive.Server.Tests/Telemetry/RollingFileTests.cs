using System.Diagnostics;
using System.Text;
using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Telemetry;

public sealed class RollingFileTests : IDisposable
{
    private readonly string _dir = Directory.CreateTempSubdirectory("xlive-rolling-").FullName;

    private string Log => Path.Combine(_dir, "x.log");

    public void Dispose() => Directory.Delete(_dir, recursive: true);

    [Fact]
    public void Files_roll_at_whole_lines_and_the_oldest_goes()
    {
        using (RollingFile file = new(Log, maxSize: 1000, maxFiles: 3))
        {
            for (int i = 0; i < 100; i++)
            {
                file.Write(Encoding.ASCII.GetBytes($"line {i:D3} {new string('.', 90)}\n"));
            }
            Assert.True(file.Flush());
        }
        Assert.Equal(["x.1.log", "x.2.log", "x.log"], Directory.GetFiles(_dir).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(_dir), f => Assert.InRange(new FileInfo(f).Length, 1, 1000));
        string[] kept = [.. File.ReadAllLines(Path.Combine(_dir, "x.2.log")), .. File.ReadAllLines(Path.Combine(_dir, "x.1.log")), .. File.ReadAllLines(Log)];
        Assert.Equal("line 099", kept[^1][..8]);
        Assert.Equal(Enumerable.Range(100 - kept.Length, kept.Length).Select(i => $"line {i:D3}"), kept.Select(l => l[..8]));
    }

    [Fact]
    public void A_line_is_on_disk_within_a_quarter_of_a_second()
    {
        using RollingFile file = new(Log, 1 << 20, 3);
        file.Write("first\n"u8);
        Stopwatch waited = Stopwatch.StartNew();
        while (!File.Exists(Log) || new FileInfo(Log).Length == 0)
        {
            Assert.True(waited.ElapsedMilliseconds < 2000, "not written");
            Thread.Sleep(5);
        }
        Assert.InRange(waited.ElapsedMilliseconds, 0, 1000); // 250 ms on a machine with nothing else to do
    }

    [Fact]
    public void A_file_that_is_renamed_removed_or_emptied_is_written_anew()
    {
        using RollingFile file = new(Log, 1 << 20, 3);
        file.Write("one\n"u8);
        file.Flush();
        File.Move(Log, Log + ".moved");
        file.Write("two\n"u8);
        file.Flush();
        Assert.Equal("one\n", File.ReadAllText(Log + ".moved"));
        Assert.Equal("two\n", File.ReadAllText(Log));
        File.Delete(Log);
        File.WriteAllText(Log, ""); // as logrotate's "create" does
        file.Write("three\n"u8);
        file.Flush();
        Assert.Equal("three\n", File.ReadAllText(Log));
        using (FileStream other = new(Log, FileMode.Truncate, FileAccess.Write, FileShare.ReadWrite))
        {
        }
        file.Write("four\n"u8);
        file.Flush();
        Assert.Equal("four\n", File.ReadAllText(Log));
    }

    [Fact]
    public void A_full_disk_is_counted_and_outlived()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root to mount a small disk");
        string disk = Path.Combine(_dir, "disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(Ran("mount", "-t", "tmpfs", "-o", "size=4m", "xlive-full", disk), "no mounts here");
        try
        {
            List<string> trouble = [];
            string log = Path.Combine(disk, "x.log");
            File.WriteAllBytes(Path.Combine(disk, "ballast"), new byte[4000 << 10]);
            int written = 0;
            using (RollingFile file = new(log, 64 << 20, 3, trouble.Add))
            {
                byte[] line = Encoding.ASCII.GetBytes(new string('x', 999) + "\n");
                for (; file.Failures == 0 || file.Dropped < 100; written++)
                {
                    file.Write(line);
                    Assert.True(written < 1_000_000, "the disk is not full");
                    if (file.Dropped > 0)
                    {
                        Thread.Sleep(1);
                    }
                }
                File.Delete(Path.Combine(disk, "ballast"));
                File.Move(log, Path.Combine(_dir, "first-part"));
                Assert.True(file.Flush());
                file.Write(line);
                Assert.True(file.Flush());
                Assert.Contains(trouble, t => t.Contains("cannot be written", StringComparison.Ordinal));
            }
            Assert.All(File.ReadAllLines(log), l => Assert.True(l.Length <= 999));
        }
        finally
        {
            Assert.True(Ran("umount", disk));
        }
    }

    [Fact]
    public void A_writer_never_waits_for_the_disk()
    {
        using ManualResetEventSlim disk = new();
        using LineBuffer lines = new("test", 10_000, bytes =>
        {
            disk.Wait();
            return bytes.Length;
        });
        for (int i = 0; i < 100_000; i++)
        {
            lines.Add("0123456789\n"u8);
        }
        // What is held is two buffers at most; everything else is counted.
        Assert.InRange(lines.Dropped, 100_000 - (2 * 10_000 / 11) - 1, 100_000 - (10_000 / 11));
        disk.Set();
    }

    private static bool Ran(string program, params string[] args)
    {
        using Process process = Process.Start(program, args);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
