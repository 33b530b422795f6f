using System.Buffers;
using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>A gibibyte of address space that is counted and never touched.</summary>
internal sealed unsafe class Phantom : MemoryManager<byte>
{
    public const int Size = 1 << 30;
    public static readonly Phantom Instance = new();
    private readonly byte* _start = (byte*)NativeMemory.AlignedAlloc(Size, 4096);

    public override Span<byte> GetSpan() => new(_start, Size);
    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);
    public override void Unpin() { }
    protected override void Dispose(bool disposing) { }
}
