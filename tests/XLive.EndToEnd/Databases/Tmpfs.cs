using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Databases;

/// <summary>A small disk that a test can fill.</summary>
internal sealed class Tmpfs : IAsyncDisposable
{
    private readonly string _at;

    private Tmpfs(string at) => _at = at;

    public static async Task<Tmpfs> Mount(string at, string size)
    {
        Directory.CreateDirectory(at);
        (await Tool.Run("mount", ["-t", "tmpfs", "-o", $"size={size},mode=700", "tmpfs", at], TimeSpan.FromSeconds(10))).MustSucceed();
        return new Tmpfs(at);
    }

    /// <summary>To the last byte.</summary>
    public async Task Fill(string file)
    {
        await Tool.Run("dd", ["if=/dev/zero", "of=" + file, "bs=64k"], TimeSpan.FromSeconds(10));
        await Tool.Run("dd", ["if=/dev/zero", "of=" + file, "bs=512", "oflag=append", "conv=notrunc"], TimeSpan.FromSeconds(10));
        Assert.Equal(0, new DriveInfo(_at).AvailableFreeSpace);
    }

    public async ValueTask DisposeAsync() => await Tool.Run("umount", ["-l", _at], TimeSpan.FromSeconds(10));
}
