using System.Buffers.Binary;
using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>
/// H.264 and HEVC. Parameter sets within frames are taken out: they are the track's, and where they differ from it there is a new one.
/// </summary>
internal sealed class NalReader(Codec codec) : PictureReader(codec)
{
    // Of one of the two codecs, with the first configuration.
    private AvcParameterSets? _avc;
    private HevcParameterSets? _hevc;
    private int _lengthSize;
    private byte[] _rewritten = [];

    protected override bool TryConfigure(ReadOnlySpan<byte> record, out string text)
    {
        Track? track;
        if (Codec == Codec.Hevc)
        {
            if (!HevcConfiguration.TryRead(record, out var sets, out track, out text))
                return false;
            _lengthSize = HevcConfiguration.NalLengthSize(record);
            _hevc = sets;
        }
        else
        {
            if (!AvcConfiguration.TryRead(record, out track, out text))
                return false;
            _lengthSize = AvcConfiguration.NalLengthSize(record);
            _avc ??= new();
            _avc.Take(record);
        }
        Track = track;
        return true;
    }

    public override FlvContent Read(ReadOnlyMemory<byte> body, Timestamp decoded, int compositionTime, out Frame frame, out FlvFault fault)
    {
        frame = default;
        fault = FlvFault.None;
        if (Track is null)
            return Drop(FlvFault.NoConfiguration, "video before its configuration", out fault);

        bool asItIs = Look(body.Span, out bool hasSets, out var flags, out int count, out bool broken);
        if (broken)
            return Drop(FlvFault.BadNalLength, "a NAL unit longer than its frame", out fault);
        if (hasSets && !TakeSets(body.Span, out string text))
            return Drop(FlvFault.BadConfiguration, text, out fault);
        if (count == 0)
            return FlvContent.Nothing;
        frame = new Frame(Track, decoded, compositionTime * Timestamp.PerMillisecond, flags, asItIs ? body : Rewrite(body.Span));
        return FlvContent.Frame;
    }

    /// <returns>Whether the frame is already what it is to be.</returns>
    private bool Look(ReadOnlySpan<byte> units, out bool hasSets, out FrameFlags flags, out int count, out bool broken)
    {
        bool empty = false, key = false, slices = false, needed = false;
        hasSets = false;
        count = 0;
        var rest = units;
        while (Next(ref rest, out var unit))
        {
            if (unit.IsEmpty)
            {
                empty = true;
                continue;
            }
            var use = NalUses.Of(Codec, unit);
            if (use == NalUse.ParameterSet)
            {
                hasSets = true;
                continue;
            }
            count++;
            if (use is NalUse.Picture or NalUse.Key)
            {
                slices = true;
                needed |= NalUses.IsNeeded(Codec, unit);
                key |= use == NalUse.Key;
            }
        }
        broken = !rest.IsEmpty;
        // By the units, not by the tag's own word: encoders call frames keys that are none, and the other way round.
        flags = key ? FrameFlags.Key : slices && !needed ? FrameFlags.Disposable : FrameFlags.None;
        return _lengthSize == 4 && !empty && !hasSets;
    }

    private bool Next(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> unit)
    {
        unit = default;
        if (rest.Length < _lengthSize)
            return false;
        uint length = _lengthSize switch
        {
            1 => rest[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            _ => BinaryPrimitives.ReadUInt32BigEndian(rest),
        };
        if (length > (uint)(rest.Length - _lengthSize))
            return false;
        unit = rest.Slice(_lengthSize, (int)length);
        rest = rest[(_lengthSize + (int)length)..];
        return true;
    }

    private bool TakeSets(ReadOnlySpan<byte> units, out string text)
    {
        text = "";
        bool changed = false;
        while (Next(ref units, out var unit))
        {
            if (!unit.IsEmpty && NalUses.Of(Codec, unit) == NalUse.ParameterSet)
                changed |= _hevc?.Take(unit) ?? _avc!.Take(unit, unit[0] & 0x1F);
        }
        if (!changed)
            return true;
        Track? track;
        if (_hevc is not null ? _hevc.TryMakeTrack(out track, out text) : AvcConfiguration.TryRead(_avc!.Record(), out track, out text))
        {
            Track = track;
            return true;
        }
        if (_hevc is not null)
            HevcConfiguration.TryRead(Track!.Configuration.Span, out _hevc, out _, out _);
        else
            _avc!.Take(Track!.Configuration.Span);
        return false;
    }

    /// <summary>Lengths in 4 bytes, and without the parameter sets.</summary>
    private ReadOnlyMemory<byte> Rewrite(ReadOnlySpan<byte> units)
    {
        // At worst units of one byte behind a length of one.
        int most = units.Length + (_lengthSize == 4 ? 0 : 3 * (units.Length / (_lengthSize + 1)));
        if (_rewritten.Length < most)
            _rewritten = new byte[most + (most / 4)];
        int length = 0;
        while (Next(ref units, out var unit))
        {
            if (unit.IsEmpty || NalUses.Of(Codec, unit) == NalUse.ParameterSet)
                continue;
            BinaryPrimitives.WriteInt32BigEndian(_rewritten.AsSpan(length), unit.Length);
            unit.CopyTo(_rewritten.AsSpan(length + 4));
            length += 4 + unit.Length;
        }
        return _rewritten.AsMemory(0, length);
    }
}
