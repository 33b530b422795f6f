using System.Text;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Storage;

/// <summary>One server a data directory: two would both report the same traffic. Commands beside a running server do not take it.</summary>
public sealed class DataLock : IDisposable
{
    private readonly SafeFileHandle _file;

    private DataLock(SafeFileHandle file) => _file = file;

    public static DataLock Take(DataOptions options)
    {
        string path = Path.Combine(options.MakeDir(), "lock");
        SafeFileHandle file = Posix.OpenPrivate(path);
        try
        {
            if (!Posix.TryLock(file))
            {
                Span<byte> holder = stackalloc byte[16];
                string by = Encoding.ASCII.GetString(holder[..RandomAccess.Read(file, holder, 0)]).Trim();
                throw new DataInUseException($"data.dir: {options.MakeDir()} is in use by another XLive (process {by})");
            }
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"), 0);
            return new DataLock(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // The file stays: removing it would let a third process lock a new one while a second waits on the old.
    public void Dispose() => _file.Dispose();
}

public sealed class DataInUseException(string message) : IOException(message);
