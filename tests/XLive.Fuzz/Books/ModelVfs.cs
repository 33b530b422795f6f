using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace XLive.Fuzz.Books;

/// <summary>
/// The model's disk as a file system of SQLite's (https://sqlite.org/vfs.html). Without shared memory, so the write-ahead log is used with
/// exclusive locking. One disk a thread: all of a run happens on one.
/// </summary>
internal static unsafe partial class ModelVfs
{
    public const string Name = "xlive-model";

    private const int Ok = 0, Full = 13, ReadFailed = 10 | 1 << 8, ShortRead = 10 | 2 << 8, WriteFailed = 10 | 3 << 8, SyncFailed = 10 | 4 << 8,
        TruncateFailed = 10 | 6 << 8, DeleteFailed = 10 | 10 << 8, CannotOpen = 14, NotFound = 12;

    [ThreadStatic]
    private static ModelDisk? t_disk;

    [ThreadStatic]
    private static List<ModelFile>? t_open;

    private static readonly Lock s_gate = new();
    private static Methods* s_methods;

    /// <summary>The disk of this thread's next calls.</summary>
    public static ModelDisk Disk
    {
        get => t_disk!;
        set
        {
            t_disk = value;
            t_open = [];
            Register();
        }
    }

    private static void Register()
    {
        lock (s_gate)
        {
            if (s_methods is not null)
                return;
            var methods = (Methods*)NativeMemory.AllocZeroed((nuint)sizeof(Methods));
            methods->Version = 1;
            methods->Close = &Close;
            methods->Read = &Read;
            methods->Write = &Write;
            methods->Truncate = &Truncate;
            methods->Sync = &Sync;
            methods->Size = &Size;
            methods->Lock = &Lock;
            methods->Unlock = &Lock;
            methods->IsReserved = &IsReserved;
            methods->Control = &Control;
            methods->SectorSize = &SectorSize;
            methods->Traits = &Traits;
            var vfs = (Vfs*)NativeMemory.AllocZeroed((nuint)sizeof(Vfs));
            vfs->Version = 1;
            vfs->FileSize = sizeof(OpenFile);
            vfs->LongestPath = 512;
            vfs->Name = Marshal.StringToCoTaskMemUTF8(Name);
            vfs->Open = &Open;
            vfs->Delete = &Delete;
            vfs->Access = &Access;
            vfs->FullPath = &FullPath;
            vfs->Randomness = &Randomness;
            vfs->Sleep = &Sleep;
            vfs->CurrentTime = &CurrentTime;
            vfs->LastError = &LastError;
            if (sqlite3_vfs_register(vfs, 0) != Ok)
                throw new InvalidOperationException("SQLite takes no further file system");
            s_methods = methods;
        }
    }

    private static ModelFile Of(OpenFile* file) => t_open![file->Index];

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Open(Vfs* vfs, byte* name, OpenFile* file, int flags, int* outFlags)
    {
        file->Methods = null;
        const int create = 4;
        var path = Marshal.PtrToStringUTF8((nint)name) ?? "temporary";
        if ((flags & create) == 0 && Disk.Find(path) is null || Disk.Next(DiskCall.Open) != DiskFault.None)
            return CannotOpen;
        t_open!.Add(Disk.Make(path));
        file->Index = t_open.Count - 1;
        file->Methods = s_methods;
        if (outFlags is not null)
            *outFlags = flags;
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Close(OpenFile* file) => Ok;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(OpenFile* file, byte* to, int length, long offset) =>
        Disk.Next(DiskCall.Read) != DiskFault.None ? ReadFailed : Of(file).Read(new Span<byte>(to, length), offset) == length ? Ok : ShortRead;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(OpenFile* file, byte* from, int length, long offset)
    {
        var wasDead = Disk.IsDead;
        switch (Disk.Next(DiskCall.Write))
        {
            case DiskFault.Full:
                return Full;
            case DiskFault.Failed:
                return WriteFailed;
            case DiskFault.Death:
                if (!wasDead && Disk.Torn(length) is > 0 and var done)
                    Of(file).Write(new ReadOnlySpan<byte>(from, Math.Min(done, length)), offset);
                return WriteFailed;
        }
        Of(file).Write(new ReadOnlySpan<byte>(from, length), offset);
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Truncate(OpenFile* file, long length)
    {
        if (Disk.Next(DiskCall.Truncate) != DiskFault.None)
            return TruncateFailed;
        Of(file).Truncate((int)length);
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sync(OpenFile* file, int flags)
    {
        var fault = Disk.Next(DiskCall.Sync);
        if (fault == DiskFault.Death)
            return SyncFailed;
        return Disk.TrySync(Of(file), fault != DiskFault.None) ? Ok : SyncFailed;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Size(OpenFile* file, long* size)
    {
        *size = Of(file).Length;
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Lock(OpenFile* file, int level) => Ok;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int IsReserved(OpenFile* file, int* reserved)
    {
        *reserved = 0;
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Control(OpenFile* file, int operation, void* argument) => NotFound;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int SectorSize(OpenFile* file) => ModelDisk.Sector;

    // Powersafe overwrite, which is what SQLite takes for granted of every disk on Linux, and nothing else: no order, no atomic write. Without
    // it SQLite fills the log up to a sector with frames that its own sync leaves out, and one sync that fails loses all that follows.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Traits(OpenFile* file) => 0x1000;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Delete(Vfs* vfs, byte* name, int syncDirectory)
    {
        // What a dead process would delete stays, and so does what cannot be deleted; SQLite is told of the second alone.
        switch (Disk.Next(DiskCall.Delete))
        {
            case DiskFault.None:
                Disk.Delete(Marshal.PtrToStringUTF8((nint)name)!);
                return Ok;
            case DiskFault.Death:
                return Ok;
            default:
                return DeleteFailed;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Access(Vfs* vfs, byte* name, int flags, int* result)
    {
        *result = Disk.Find(Marshal.PtrToStringUTF8((nint)name)!) is null ? 0 : 1;
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FullPath(Vfs* vfs, byte* name, int most, byte* to)
    {
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).CopyTo(new Span<byte>(to, most - 1));
        to[MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name).Length] = 0;
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Randomness(Vfs* vfs, int length, byte* to)
    {
        new Span<byte>(to, length).Fill(7);
        return length;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sleep(Vfs* vfs, int microseconds) => microseconds;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CurrentTime(Vfs* vfs, double* days)
    {
        *days = 2461000;
        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LastError(Vfs* vfs, int length, byte* text) => Ok;

    [StructLayout(LayoutKind.Sequential)]
    private struct OpenFile
    {
        public Methods* Methods;
        public int Index;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Methods
    {
        public int Version;
        public delegate* unmanaged[Cdecl]<OpenFile*, int> Close;
        public delegate* unmanaged[Cdecl]<OpenFile*, byte*, int, long, int> Read;
        public delegate* unmanaged[Cdecl]<OpenFile*, byte*, int, long, int> Write;
        public delegate* unmanaged[Cdecl]<OpenFile*, long, int> Truncate;
        public delegate* unmanaged[Cdecl]<OpenFile*, int, int> Sync;
        public delegate* unmanaged[Cdecl]<OpenFile*, long*, int> Size;
        public delegate* unmanaged[Cdecl]<OpenFile*, int, int> Lock;
        public delegate* unmanaged[Cdecl]<OpenFile*, int, int> Unlock;
        public delegate* unmanaged[Cdecl]<OpenFile*, int*, int> IsReserved;
        public delegate* unmanaged[Cdecl]<OpenFile*, int, void*, int> Control;
        public delegate* unmanaged[Cdecl]<OpenFile*, int> SectorSize;
        public delegate* unmanaged[Cdecl]<OpenFile*, int> Traits;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Vfs
    {
        public int Version;
        public int FileSize;
        public int LongestPath;
        public Vfs* Next;
        public nint Name;
        public nint Data;
        public delegate* unmanaged[Cdecl]<Vfs*, byte*, OpenFile*, int, int*, int> Open;
        public delegate* unmanaged[Cdecl]<Vfs*, byte*, int, int> Delete;
        public delegate* unmanaged[Cdecl]<Vfs*, byte*, int, int*, int> Access;
        public delegate* unmanaged[Cdecl]<Vfs*, byte*, int, byte*, int> FullPath;
        public nint DlOpen, DlError, DlSym, DlClose;
        public delegate* unmanaged[Cdecl]<Vfs*, int, byte*, int> Randomness;
        public delegate* unmanaged[Cdecl]<Vfs*, int, int> Sleep;
        public delegate* unmanaged[Cdecl]<Vfs*, double*, int> CurrentTime;
        public delegate* unmanaged[Cdecl]<Vfs*, int, byte*, int> LastError;
    }

    [LibraryImport("libsqlite3.so.0")]
    private static partial int sqlite3_vfs_register(Vfs* vfs, int makeDefault);
}
