using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>A body whose bytes come piece by piece: blocks of a cache, some of which are still on their way.</summary>
public abstract class BodySource
{
    /// <summary>At least one byte from this offset on, at most so many. An IOException ends the response short of its length.</summary>
    public abstract ValueTask<BodyPiece> ReadAsync(long offset, long most);
}

/// <summary>Bytes that stand until they are given back.</summary>
/// <param name="PagesFrom">Nor are they overwritten then, whoever looks at their pages still sees them: from so many bytes on these are worth more than a copy. 0: never.</param>
public readonly record struct BodyPiece(ReadOnlyMemory<byte> Bytes, IBodyOwner Owner, int PagesFrom = 0);

public interface IBodyOwner
{
    void Release();
}

/// <summary>
/// What a response carries: bytes in memory, a range of an open file, or of what is still coming. Whoever makes one keeps its source alive until the send
/// has ended; a file's handle may be shared by any number of bodies, for every read names its offset.
/// </summary>
public readonly struct Body
{
    private Body(ReadOnlyMemory<byte> memory, SendableFile? file, BodySource? source, long offset, long length, FileKind kind, int pagesFrom = 0)
    {
        Kind = kind;
        PagesFrom = pagesFrom;
        Memory = memory;
        File = file;
        Source = source;
        Offset = offset;
        Length = length;
    }

    /// <summary>As what its bytes are counted.</summary>
    public FileKind Kind { get; }
    public ReadOnlyMemory<byte> Memory { get; }

    /// <summary>As long as it is at least so long the memory may be sent page by page; 0: never.</summary>
    public int PagesFrom { get; }
    public SendableFile? File { get; }
    public BodySource? Source { get; }
    public long Offset { get; }
    public long Length { get; }

    public static Body Of(ReadOnlyMemory<byte> memory, FileKind kind = FileKind.Other) => new(memory, null, null, 0, memory.Length, kind);

    public static Body Of(in BodyPiece piece, FileKind kind) => new(piece.Bytes, null, null, 0, piece.Bytes.Length, kind, piece.PagesFrom);

    public static Body Of(SendableFile file, long offset, long length, FileKind kind) => new(default, file, null, offset, length, kind);

    public static Body Of(BodySource source, long offset, long length, FileKind kind) => new(default, null, source, offset, length, kind);

    public Body Slice(long offset, long length) =>
        Source is not null ? Of(Source, Offset + offset, length, Kind)
        : File is not null ? Of(File, Offset + offset, length, Kind)
        : new(Memory.Slice((int)offset, (int)length), null, null, 0, length, Kind, PagesFrom);
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
