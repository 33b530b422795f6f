using XLive.Server.Sending;

namespace XLive.Server.Playback.Vod.Folder;

/// <summary>Whether there is a folder of that name below the root, asked on the threads for disks. A disk that does not answer in time has none.</summary>
internal sealed class FolderLook(string path) : IFileWork
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource<bool> _found = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async ValueTask<bool> IsThereAsync(FolderSource source, string root, string name, TimeProvider clock)
    {
        var look = new FolderLook(Path.Combine(root, name));
        source.Lanes.For("/" + name + "/").Enqueue(look);
        try
        {
            return await look._found.Task.WaitAsync(Patience, clock);
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    public void Run() => _found.TrySetResult(Directory.Exists(path));

    public void Failed() => _found.TrySetResult(false);
}
