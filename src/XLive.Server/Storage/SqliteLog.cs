namespace XLive.Server.Storage;

/// <summary>
/// A sync that fails has lost what it should have kept: the system calls the pages clean, and a second sync writes nothing. While a process
/// lives SQLite writes those frames of its log anew with the next commit. The process after it finds a log that reads well from the system's
/// cache and has a hole on the disk: what is committed behind that would go with the next power failure.
/// </summary>
internal static class SqliteLog
{
    /// <param name="writeAgain">Writes a file as it is once more, and syncs it; null: on the real disk.</param>
    public static void Mend(Sqlite db, string path, Action<string>? writeAgain = null) => db.Transaction(() => (writeAgain ?? WriteAgain)(path + "-wal"));

    // Under SQLite's lock for writers, so nobody else writes there meanwhile.
    internal static void WriteAgain(string path)
    {
        using var file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        var buffer = new byte[1 << 20];
        for (long at = 0; RandomAccess.Read(file, buffer, at) is > 0 and var got; at += got)
            RandomAccess.Write(file, buffer.AsSpan(0, got), at);
        RandomAccess.FlushToDisk(file);
    }
}
