using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace XLive.Server.Operations.Health;

/// <summary>What the kernel says of the wall clock, adjtimex(2): whether somebody keeps it right.</summary>
internal static partial class KernelClock
{
    // struct timex on 64 bits: modes, offset, freq, maxerror, esterror, status; 208 bytes in all.
    private const int Size = 256, Status = 40;
    private const int Unsynchronized = 0x40; // STA_UNSYNC
    private const int Error = 5;             // TIME_ERROR

    /// <summary>Null: it does not tell. A filter of system calls (ProtectClock= of the unit, containers) takes it with those that set the clock.</summary>
    public static bool? IsSynchronized()
    {
        if (!Environment.Is64BitProcess)
            return null;
        // With modes 0 nothing is set.
        Span<byte> timex = stackalloc byte[Size];
        timex.Clear();
        try
        {
            var state = adjtimex(ref MemoryMarshal.GetReference(timex));
            return state < 0 ? null : state != Error && (BinaryPrimitives.ReadInt32LittleEndian(timex[Status..]) & Unsynchronized) == 0;
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int adjtimex(ref byte timex);
}
