using System.Buffers.Binary;

namespace XLive.Media.Flv;

/// <summary>
/// An FLV stream in pieces of any size, tags out (FLV 10.1, annex E). All input is consumed. A body grows with what has come, and one that lies in one
/// piece is handed out where it lies.
/// </summary>
public sealed class FlvReader
{
    private enum State : byte
    {
        FileHeader,
        Skip,
        TagHeader,
        Body,
    }

    private const int FileHeaderLength = 9;
    private const int TagHeaderLength = 4 + 11; // the size of the tag before, which writers get wrong and nobody needs, and the header
    private const int LongestBody = 8 << 20;
    private const int LongestFileHeader = 1 << 16;

    private readonly byte[] _head = new byte[TagHeaderLength];
    private byte[] _body = [];
    private State _state;
    private int _read; // of the head, or of the body
    private int _length; // of the body, or what is to be skipped
    private FlvTagType _type;
    private uint _timestamp;

    /// <summary>As the file's header has it: mostly wrong of live streams.</summary>
    public bool SaysAudio { get; private set; }
    public bool SaysVideo { get; private set; }

    /// <returns>False: there is no whole tag yet, and the input is consumed.</returns>
    public bool Read(ReadOnlyMemory<byte> input, out int consumed, out FlvTag tag)
    {
        var rest = input;
        tag = default;
        while (!rest.IsEmpty || (_state == State.Body && _length == 0))
        {
            switch (_state)
            {
                case State.FileHeader:
                    if (Fill(ref rest, FileHeaderLength))
                        ReadFileHeader();
                    break;
                case State.Skip:
                    int skipped = Math.Min(_length, rest.Length);
                    rest = rest[skipped..];
                    _length -= skipped;
                    if (_length == 0)
                        _state = State.TagHeader;
                    break;
                case State.TagHeader:
                    if (Fill(ref rest, TagHeaderLength))
                        ReadTagHeader();
                    break;
                default:
                    if (ReadBody(ref rest, out var body))
                    {
                        consumed = input.Length - rest.Length;
                        tag = new FlvTag(_type, _timestamp, body);
                        return true;
                    }
                    break;
            }
        }
        consumed = input.Length;
        return false;
    }

    private bool Fill(ref ReadOnlyMemory<byte> rest, int length)
    {
        int taken = Math.Min(length - _read, rest.Length);
        rest.Span[..taken].CopyTo(_head.AsSpan(_read));
        rest = rest[taken..];
        _read += taken;
        if (_read < length)
            return false;
        _read = 0;
        return true;
    }

    private void ReadFileHeader()
    {
        if (!_head.AsSpan().StartsWith("FLV\u0001"u8))
            throw new FlvException("no FLV of version 1");
        uint offset = BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(5));
        if (offset is < FileHeaderLength or > LongestFileHeader)
            throw new FlvException($"a header of {offset} bytes");
        SaysAudio = (_head[4] & 4) != 0;
        SaysVideo = (_head[4] & 1) != 0;
        _length = (int)offset - FileHeaderLength;
        _state = _length == 0 ? State.TagHeader : State.Skip;
    }

    private void ReadTagHeader()
    {
        var header = _head.AsSpan(4);
        if ((header[0] & 0x20) != 0)
            throw new FlvException("an encrypted tag");
        _type = (FlvTagType)(header[0] & 0x1F);
        _length = (header[1] << 16) | (header[2] << 8) | header[3];
        if (_length > LongestBody)
            throw new FlvException($"a tag of {_length} bytes");
        _timestamp = (uint)((header[7] << 24) | (header[4] << 16) | (header[5] << 8) | header[6]);
        _state = State.Body;
    }

    private bool ReadBody(ref ReadOnlyMemory<byte> rest, out ReadOnlyMemory<byte> body)
    {
        int taken = Math.Min(_length - _read, rest.Length);
        if (_read == 0 && taken == _length)
        {
            body = rest[..taken];
        }
        else
        {
            Reserve(_read + taken);
            rest.Span[..taken].CopyTo(_body.AsSpan(_read));
            body = _body.AsMemory(0, _read + taken);
        }
        rest = rest[taken..];
        _read += taken;
        if (_read < _length)
            return false;
        _read = 0;
        _state = State.TagHeader;
        return true;
    }

    private void Reserve(int length)
    {
        if (length > _body.Length)
            Array.Resize(ref _body, Math.Max(256, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)length)));
    }
}
