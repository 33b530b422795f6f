namespace XLive.Media.Rtmp;

/// <summary>The chunk streams of one connection, so many and so large together.</summary>
internal sealed class ChunkStreams
{
    private const int Few = 64; // whose ids are one byte: all that encoders use

    private readonly ChunkStream?[] _few = new ChunkStream?[Few];
    private readonly Dictionary<int, ChunkStream> _others = [];
    private int _count;

    public int Held { get; private set; }

    public int MostHeld { get; set; } = RtmpLimits.Held;

    public ChunkStream At(int id)
    {
        var stream = id < Few ? _few[id] : _others.GetValueOrDefault(id);
        return stream ?? Add(id);
    }

    private ChunkStream Add(int id)
    {
        if (_count == RtmpLimits.ChunkStreams)
            throw new RtmpException(RtmpFault.TooManyChunkStreams, $"more than {RtmpLimits.ChunkStreams} chunk streams");
        _count++;
        var stream = new ChunkStream();
        if (id < Few)
            _few[id] = stream;
        else
            _others.Add(id, stream);
        return stream;
    }

    /// <summary>Of one that has no message under way it means nothing.</summary>
    public void Abort(uint id)
    {
        var stream = id < Few ? _few[id] : _others.GetValueOrDefault((int)Math.Min(id, int.MaxValue));
        if (stream is not null)
            stream.HasBegun = false;
    }

    /// <summary>Grows with what has come, twofold: of a stranger's 8 MiB message a byte has come, and 256 are taken.</summary>
    public void Reserve(ChunkStream stream, int length)
    {
        if (length <= stream.Buffer.Length)
            return;
        int larger = Math.Min(Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length)), RtmpLimits.MediaMessage);
        int more = larger - stream.Buffer.Length;
        if (Held + more > MostHeld)
            ReleaseIdle();
        if (Held + more > MostHeld)
            throw new RtmpException(RtmpFault.TooMuchHeld, $"messages that have begun take more than {MostHeld >> 10} KiB");
        Held += more;
        Array.Resize(ref stream.Buffer, larger);
    }

    public void Trim(ChunkStream stream) => Held -= stream.Trim();

    private void ReleaseIdle()
    {
        foreach (var stream in _few)
        {
            if (stream is { HasBegun: false })
                Held -= stream.Release();
        }
        foreach (var stream in _others.Values)
        {
            if (!stream.HasBegun)
                Held -= stream.Release();
        }
    }
}
