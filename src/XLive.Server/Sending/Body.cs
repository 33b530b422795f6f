using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>
/// What a response carries: bytes in memory, or a range of an open file. Whoever makes one keeps its source alive until the send
/// has ended; a file's handle may be shared by any number of bodies, for every read names its offset.
/// </summary>
public readonly struct Body
{
    private Body(ReadOnlyMemory<byte> memory, SendableFile? file, long offset, long length, FileKind kind)
    {
        Kind = kind;
        Memory = memory;
        File = file;
        Offset = offset;
        Length = length;
    }

    /// <summary>As what its bytes are counted.</summary>
    public FileKind Kind { get; }
    public ReadOnlyMemory<byte> Memory { get; }
    public SendableFile? File { get; }
    public long Offset { get; }
    public long Length { get; }

    public static Body Of(ReadOnlyMemory<byte> memory, FileKind kind = FileKind.Other) => new(memory, null, 0, memory.Length, kind);

    public static Body Of(SendableFile file, long offset, long length, FileKind kind) => new(default, file, offset, length, kind);

    public Body Slice(long offset, long length) =>
        File is null ? Of(Memory.Slice((int)offset, (int)length), Kind) : Of(File, Offset + offset, length, Kind);
}

/// <summary>How a send ended; the meter, the log and the metrics all need the word.</summary>
public enum SendEnd
{
    Done,
    ViewerLeft,
    /// <summary>No byte taken for network.send_idle_timeout.</summary>
    Idle,
    /// <summary>The file became shorter than what was promised.</summary>
    Truncated,
    SourceFailed,
    /// <summary>The viewer may have no more: kicked, revoked, or his quota is used up.</summary>
    Stopped,
}
