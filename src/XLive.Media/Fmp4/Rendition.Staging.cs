using System.Buffers;
using XLive.Media.Hls;

namespace XLive.Media.Fmp4;

/// <summary>The samples that are in no part yet, and their payloads.</summary>
internal abstract partial class Rendition
{
    // What is staged between segments: a first segment's memory is a hundred times a part's.
    private const int MostKept = 1 << 20;

    private Sample[] _samples = new Sample[64];
    private int _first;
    private int _count;
    private int _firstByte;
    private SegmentBuffer? _staged;
    private int _most;

    public ReadOnlySpan<Sample> Staged => _samples.AsSpan(_first, _count - _first);

    protected ref Sample Newest => ref _samples[_count - 1];

    protected bool HasStaged => _count > _first;

    protected int StagedCount => _count - _first;

    protected ref readonly Sample At(int index) => ref _samples[_first + index];

    /// <summary>Where the payload is to be written; empty: there is no room, and the segment is lost.</summary>
    protected Span<byte> Room(int length)
    {
        if (_isLost)
            return default;
        if (!writer.HasRoom(2L * (length + Sample.Cost)))
        {
            Lose();
            return default;
        }
        Compact();
        try
        {
            _staged ??= new SegmentBuffer(writer.Options.MostBytes);
            return ((IBufferWriter<byte>)_staged).GetSpan(length)[..length];
        }
        catch (InsufficientMemoryException)
        {
            Lose();
            return default;
        }
    }

    /// <param name="sample">Its payload stands where <see cref="Room"/> said.</param>
    protected void Stage(in Sample sample)
    {
        ((IBufferWriter<byte>)_staged!).Advance(sample.Size);
        _most = Math.Max(_most, _staged.Length);
        if (_count == _samples.Length)
            Array.Resize(ref _samples, _count * 2);
        _samples[_count++] = sample;
    }

    private void Compact()
    {
        if (_first == 0)
            return;
        if (_first == _count)
        {
            (_first, _count, _firstByte) = (0, 0, 0);
            _staged?.Clear();
            return;
        }
        _samples.AsSpan(_first, _count - _first).CopyTo(_samples);
        var rest = _staged!.Length - _firstByte;
        _staged.Written[_firstByte..].CopyTo(_staged.Written);
        _staged.Clear();
        _ = ((IBufferWriter<byte>)_staged).GetSpan(rest);
        ((IBufferWriter<byte>)_staged).Advance(rest);
        (_first, _count, _firstByte) = (0, _count - _first, 0);
    }

    private void Unstage()
    {
        (_first, _count, _firstByte) = (0, 0, 0);
        _staged?.Release();
        _staged = null;
        if (_samples.Length > 1024)
            _samples = new Sample[64];
    }
}
