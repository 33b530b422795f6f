using System.Buffers;

namespace XLive.Media.Hls;

/// <summary>A text under edit, front to back. It stays the original memory until something in it really changes.</summary>
internal sealed class PatchedText(ReadOnlyMemory<byte> source)
{
    private ArrayBufferWriter<byte>? _output;

    /// <summary>Everything of the source before it is in the output, as it was or replaced.</summary>
    private int _done;

    /// <summary>What was put in; the source bounds the rest.</summary>
    public long Added { get; private set; }

    /// <summary>Where in the output a place not yet passed will be.</summary>
    public int PositionOf(int at) => _output is null ? at : _output.WrittenCount + at - _done;

    public void Replace(int start, int end, ReadOnlySpan<byte> by, ReadOnlySpan<byte> andBy = default)
    {
        _output ??= new ArrayBufferWriter<byte>(source.Length);
        _output.Write(source.Span[_done..start]);
        _output.Write(by);
        _output.Write(andBy);
        _done = end;
        Added += by.Length + andBy.Length;
    }

    public ReadOnlyMemory<byte> Finish()
    {
        if (_output is null)
            return source;
        _output.Write(source.Span[_done..]);
        return _output.WrittenSpan.ToArray();
    }
}
