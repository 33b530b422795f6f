using System.Buffers;
using System.Runtime.InteropServices;

namespace XLive.Fuzz.Engine;

/// <summary>
/// Memory whose last element is the last that may be touched: behind it lies a page without access, and a read one too far, which
/// in ordinary memory finds somebody else's bytes and goes on, ends the process. Vectors that read past the end are found so.
/// </summary>
public sealed unsafe class GuardedBuffer<T> : MemoryManager<T> where T : unmanaged
{
    private const int Room = Mutator.Longest;
    private const int ReadWrite = 3, PrivateAnonymous = 0x22;
    private static readonly IntPtr MapFailed = -1;

    private readonly int _room;
    private readonly nuint _length;
    private IntPtr _map;
    private int _used;

    public GuardedBuffer()
    {
        var page = Environment.SystemPageSize;
        _room = ((Room * sizeof(T)) + page - 1) / page * page;
        _length = (nuint)(_room + page);
        _map = GuardedPages.Map(IntPtr.Zero, _length, ReadWrite, PrivateAnonymous, -1, 0);
        if (_map == MapFailed || GuardedPages.Protect(_map + _room, (nuint)page, 0) != 0)
            throw new InvalidOperationException($"no guarded memory: errno {Marshal.GetLastPInvokeError()}");
    }

    /// <summary>Room for so many, the last of them right before the page.</summary>
    public Span<T> Take(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Room);
        _used = count;
        return GetSpan();
    }

    public Span<T> Put(ReadOnlySpan<T> content)
    {
        var place = Take(content.Length);
        content.CopyTo(place);
        return place;
    }

    public override Span<T> GetSpan() => new((void*)(_map + _room - (_used * sizeof(T))), _used);

    public override MemoryHandle Pin(int elementIndex = 0) => new((T*)(_map + _room - (_used * sizeof(T))) + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (_map != IntPtr.Zero)
            _ = GuardedPages.Unmap(_map, _length);
        _map = IntPtr.Zero;
    }
}

internal static partial class GuardedPages
{
    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial IntPtr Map(IntPtr address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(IntPtr address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(IntPtr address, nuint length);
}
