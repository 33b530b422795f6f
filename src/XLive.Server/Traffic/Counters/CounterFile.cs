using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using XLive.Server.Storage;

namespace XLive.Server.Traffic.Counters;

/// <summary>
/// Counters in a file of their own, mapped and shared, so that what was added is the kernel's at once and outlives kill -9. A start never goes
/// on with the file of the process before: it takes what that one left into the ledger and makes a new one, of the next generation.
///
/// The whole range is mapped at once and the file grows beneath it. Blocks are allocated before a slot in them is used: writing to a hole
/// of a mapped file on a full disk is SIGBUS, the end of the process.
/// </summary>
internal sealed unsafe partial class CounterFile : CounterMemory
{
    public const int HeaderSize = 4096;

    // Users with bytes that no cut has taken yet, at a time. 80 MiB; a session apiece would be four times what this many need of the heap.
    private const int MostSlots = 262_144;

    private static ReadOnlySpan<byte> Magic => "XLIVECNT"u8;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly byte* _start;
    private bool _disposed;

    private CounterFile(string path, SafeFileHandle file, byte* start)
    {
        _path = path;
        _file = file;
        _start = start;
    }

    public override int Most => MostSlots;

    public override byte* First => _start + HeaderSize;

    public static string PathOf(string dir, long generation) => Path.Combine(dir, $"counters-{generation}");

    public static CounterFile Create(string dir, long generation, string node, int capacity)
    {
        var path = PathOf(dir, generation);
        // One of this generation was made by a start that got no further: nobody counted in it.
        File.Delete(path);
        var file = Posix.OpenPrivate(path);
        try
        {
            const long length = HeaderSize + (long)MostSlots * Slot.Size;
            var start = mmap(0, (nuint)length, ReadWrite, Shared, file, 0);
            if (start == (byte*)-1)
                throw new IOException($"{path}: mmap: {Marshal.GetLastPInvokeErrorMessage()}");
            var made = new CounterFile(path, file, start);
            if (made.Grow(capacity) is { } fault)
                throw new IOException(fault);
            WriteHeader(new Span<byte>(start, HeaderSize), generation, node);
            made.Sync();
            Posix.SyncDirectory(dir);
            return made;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void WriteHeader(Span<byte> header, long generation, string node)
    {
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], generation);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], Slot.Size);
        header[20] = (byte)Encoding.ASCII.GetBytes(node, header[21..64]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[64..], Crc(header[..64]));
    }

    /// <summary>Null when this is the counters' file of that node and generation; else what it is.</summary>
    public static string? Objection(ReadOnlySpan<byte> header, long generation, string node)
    {
        if (header.Length < HeaderSize || !header.StartsWith(Magic) || BinaryPrimitives.ReadUInt32LittleEndian(header[64..]) != Crc(header[..64]))
            return "its head is damaged, or it is no file of counters";
        if (!header.Slice(21, header[20]).SequenceEqual(Encoding.ASCII.GetBytes(node)))
            return "it belongs to another ledger";
        return BinaryPrimitives.ReadInt64LittleEndian(header[8..]) != generation || BinaryPrimitives.ReadInt32LittleEndian(header[16..]) != Slot.Size
            ? "it is of another generation"
            : null;
    }

    internal static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        foreach (var b in bytes)
            crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }

    public override string? Grow(int capacity)
    {
        var length = HeaderSize + (long)capacity * Slot.Size;
        int error;
        do
            error = posix_fallocate(_file, 0, length);
        while (error == Interrupted);
        if (error != 0)
            return $"{_path} could not grow to {length >> 10} KiB: {Marshal.GetPInvokeErrorMessage(error)}";
        Capacity = capacity;
        return null;
    }

    public override void Sync()
    {
        if (msync(_start, (nuint)(HeaderSize + (long)Capacity * Slot.Size), SyncNow) != 0)
            throw new IOException($"{_path}: msync: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    public override void Touch()
    {
        for (var page = _start; page < First + (long)Capacity * Slot.Size; page += Environment.SystemPageSize)
            Interlocked.Add(ref *(long*)page, 0);
    }

    // The mapping stays: a transfer that outlives the server's stop still gives back what its viewer did not take.
    public override void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _file.Dispose();
    }

    private const int ReadWrite = 1 | 2; // PROT_READ | PROT_WRITE
    private const int Shared = 1;        // MAP_SHARED
    private const int SyncNow = 4;       // MS_SYNC
    private const int Interrupted = 4;   // EINTR

    [LibraryImport("libc", SetLastError = true)]
    private static partial byte* mmap(nint address, nuint length, int protection, int flags, SafeFileHandle file, long offset);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int msync(byte* address, nuint length, int flags);

    // Returns the error; errno stays as it was.
    [LibraryImport("libc")]
    private static partial int posix_fallocate(SafeFileHandle file, long offset, long length);
}
