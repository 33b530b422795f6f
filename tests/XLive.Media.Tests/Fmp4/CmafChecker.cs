using System.Buffers.Binary;
using System.Text;
using XLive.Media.Fmp4;

namespace XLive.Media.Tests.Fmp4;

/// <summary>
/// Reads one rendition from the standards' side, box by box, knowing nothing of who wrote it: ISO/IEC 14496-12 and 23000-19 for the boxes, the draft of
/// HLS (bis 3.2, 4.4.4.9) for the parts. Segments are given one after the other.
/// </summary>
internal sealed class CmafChecker
{
    private long _covered = -1;
    private long _next = -1;
    private long _sequence = -1;
    private int _segments;
    private int _trackId;
    private Codec _codec;

    public sealed record Sample(long Decoded, int Duration, int Offset, uint Flags, byte[] Data, int Segment)
    {
        public bool IsKey => (Flags & 0x10000) == 0;
    }

    private readonly record struct Box(string Type, int Start, int End, int Body);

    public List<string> Faults { get; } = [];
    public List<Sample> Samples { get; } = [];

    /// <summary>Places where time went on beyond the end of the sample before.</summary>
    public int Holes { get; private set; }

    public int Chunks { get; private set; }

    public void Initialization(Initialization initialization)
    {
        var bytes = initialization.Bytes.Span;
        var isVideo = initialization.Kind == TrackKind.Video;
        Order(bytes, Children(bytes, 0, bytes.Length), "ftyp moov");
        var ftyp = Only(bytes, 0, bytes.Length, "ftyp");
        var brands = Encoding.ASCII.GetString(bytes[ftyp.Body..ftyp.End]);
        Require(brands.StartsWith("cmfc", StringComparison.Ordinal) && brands[8..].Contains("iso6", StringComparison.Ordinal) && brands[8..].Contains("cmfc", StringComparison.Ordinal), "brands " + brands);
        var moov = Only(bytes, 0, bytes.Length, "moov");
        Order(bytes, Children(bytes, moov.Body, moov.End), "mvhd trak mvex");
        var mvhd = Only(bytes, moov.Body, moov.End, "mvhd");
        Require(mvhd.End - mvhd.Start == 108 && UInt(bytes, mvhd.Body + 16) == 0, "mvhd: a duration of 0");
        Require(UInt(bytes, mvhd.Body + 20) == 0x10000, "mvhd: rate");
        var trak = Only(bytes, moov.Body, moov.End, "trak");
        Order(bytes, Children(bytes, trak.Body, trak.End), "tkhd mdia");
        var tkhd = Only(bytes, trak.Body, trak.End, "tkhd");
        Require(tkhd.End - tkhd.Start == 92 && UInt(bytes, tkhd.Body) == 7 && UInt(bytes, tkhd.Body + 20) == 0, "tkhd: enabled, a duration of 0");
        _trackId = (int)UInt(bytes, tkhd.Body + 12);
        Require((UInt(bytes, tkhd.End - 8) >> 16, UInt(bytes, tkhd.End - 4) >> 16) == ((uint)initialization.Track.Width, (uint)initialization.Track.Height), "tkhd: the picture as it is shown");
        var mdia = Only(bytes, trak.Body, trak.End, "mdia");
        Order(bytes, Children(bytes, mdia.Body, mdia.End), "mdhd hdlr minf");
        var mdhd = Only(bytes, mdia.Body, mdia.End, "mdhd");
        Require(UInt(bytes, mdhd.Body + 12) == (uint)initialization.TimeScale && UInt(bytes, mdhd.Body + 16) == 0, "mdhd");
        var hdlr = Only(bytes, mdia.Body, mdia.End, "hdlr");
        Require(Encoding.ASCII.GetString(bytes.Slice(hdlr.Body + 8, 4)) == (isVideo ? "vide" : "soun") && bytes[hdlr.End - 1] == 0, "hdlr");
        var minf = Only(bytes, mdia.Body, mdia.End, "minf");
        Order(bytes, Children(bytes, minf.Body, minf.End), isVideo ? "vmhd dinf stbl" : "smhd dinf stbl");
        var dinf = Only(bytes, minf.Body, minf.End, "dinf");
        var dref = Only(bytes, dinf.Body, dinf.End, "dref");
        var url = Only(bytes, dref.Body + 8, dref.End, "url ");
        Require(UInt(bytes, url.Body) == 1 && url.End - url.Start == 12, "url: the data is in this file");
        var stbl = Only(bytes, minf.Body, minf.End, "stbl");
        Order(bytes, Children(bytes, stbl.Body, stbl.End), "stsd stts stsc stsz stco");
        foreach (var table in Children(bytes, stbl.Body, stbl.End))
        {
            if (table.Type != "stsd")
                Require(bytes[table.Body..table.End].IndexOfAnyExcept((byte)0) < 0, table.Type + " is empty");
        }
        var stsd = Only(bytes, stbl.Body, stbl.End, "stsd");
        Require(UInt(bytes, stsd.Body + 4) == 1, "one sample entry");
        _codec = initialization.Track.Codec;
        var names = NamesOf(_codec);
        var entry = Only(bytes, stsd.Body + 8, stsd.End, names.Entry);
        var details = Children(bytes, entry.Body + (isVideo ? 78 : 28), entry.End);
        Require(details[0].Type == names.Box, "the configuration");
        var configuration = initialization.Track.Configuration.Span;
        if (_codec is not (Codec.H264 or Codec.Aac or Codec.Opus))
        {
            // As it is; FLAC's in a box with a version, and without its signature.
            var more = _codec == Codec.Flac ? 4 : 0;
            Require(bytes[(details[0].Body + more)..details[0].End].SequenceEqual(configuration[more..]), names.Box + ": the configuration");
        }
        else if (_codec == Codec.Opus)
        {
            Require(bytes[details[0].Body] == 0 && bytes[details[0].Body + 1] == configuration[9] && UInt(bytes, details[0].Body + 4) == BinaryPrimitives.ReadUInt32LittleEndian(configuration[12..]), "dOps");
        }
        else if (isVideo)
        {
            Require(bytes[details[0].Body] == 1 && bytes[details[0].Body + 4] == 0xFF && bytes[details[0].Body + 5] >= 0xE1, "avcC: NAL lengths of 4 bytes");
            var sps = bytes.Slice(details[0].Body + 8, 4);
            Require($"avc1.{sps[1]:x2}{sps[2]:x2}{sps[3]:x2}" == initialization.CodecName, initialization.CodecName);
        }
        else
        {
            Require(bytes[(details[0].Body + 4)..details[0].End].IndexOf(initialization.Track.Configuration.Span) > 0, "esds: the configuration in it");
        }
        var mvex = Only(bytes, moov.Body, moov.End, "mvex");
        var trex = Only(bytes, mvex.Body, mvex.End, "trex");
        Require(trex.End - trex.Start == 32 && UInt(bytes, trex.Body + 4) == (uint)_trackId && UInt(bytes, trex.Body + 8) == 1, "trex");
    }

    /// <param name="parts">Empty: they were not given out.</param>
    /// <param name="target">PART-TARGET in the initialization's time scale, or 0.</param>
    public void Segment(CmafSegment segment, IReadOnlyList<CmafPart> parts, double target)
    {
        _segments++;
        // Seconds that were multiplied are not whole any more.
        target += 0.001;
        var isVideo = segment.Kind == TrackKind.Video;
        if (segment.IsDiscontinuity)
            (_next, _covered) = (-1, -1);
        var begin = BeginOf(segment.Start);
        if (segment.Buffer is null)
        {
            // A gap: its time goes by.
            (_next, _covered) = (-1, begin + segment.Duration);
            Require(segment.Duration > 0, "a gap has a duration");
            return;
        }
        var bytes = segment.Buffer.Bytes.Span;
        var (at, first) = (0, Samples.Count);
        for (var i = 0; i < parts.Count; i++)
        {
            var part = parts[i];
            Require(part.Offset == at && part.Number == i, "parts one after the other");
            var before = Samples.Count;
            Chunk(bytes.Slice(part.Offset, part.Length), isVideo, i == 0, segment.Start);
            at += part.Length;
            if (Samples.Count == before)
                continue;
            var (start, end) = (BeginOf(Samples[before].Decoded), Samples[^1].Decoded + Samples[^1].Duration);
            Require(IsRegular ? part.Duration == end - start : part.Duration >= end - start, $"a part's duration {part.Duration}, but {end - start}");
            _covered = start + part.Duration;
            var hasHole = !IsRegular && part.Duration > Samples.Skip(before).Sum(static s => (long)s.Duration);
            Require(part.IsIndependent == Samples.Skip(before).Any(s => s.IsKey), "INDEPENDENT");
            Require(part.Duration <= target || hasHole || Samples.Count - before == 1, $"a part of {part.Duration} of {target:F0} with {Samples.Count - before} samples");
            if (IsRegular)
                Require(part.Duration <= target && (i == parts.Count - 1 || part.Duration >= 0.85 * target), $"part {i} of {parts.Count}: {part.Duration / target:P1} of the target");
        }
        if (parts.Count == 0)
        {
            Chunk(bytes, isVideo, true, segment.Start);
            at = bytes.Length;
            _covered = Samples[^1].Decoded + Samples[^1].Duration;
        }
        Require(at == bytes.Length, "the segment is its parts");
        Require(Samples[first].IsKey == segment.IsIndependent, "independent");
        Require(IsRegular ? segment.Duration == _covered - begin : segment.Duration >= _covered - begin, "the segment's duration");
        _covered = begin + segment.Duration;
    }

    /// <summary>A hole before a sample is counted where it ends.</summary>
    private long BeginOf(long decoded) => _covered < 0 ? decoded : Math.Min(_covered, decoded);

    /// <summary>The source is: each part but the last must have 85 % of the target.</summary>
    public bool IsRegular { get; init; } = true;

    private void Chunk(ReadOnlySpan<byte> bytes, bool isVideo, bool isFirst, long start)
    {
        var boxes = Children(bytes, 0, bytes.Length);
        var at = 0;
        if (isFirst)
        {
            var styp = boxes[at++];
            var brands = Encoding.ASCII.GetString(bytes[styp.Body..styp.End]);
            Require(styp.Type == "styp" && brands[8..].Contains("cmfl", StringComparison.Ordinal), "styp " + brands);
        }
        Require(boxes.Count > at && (boxes.Count - at) % 2 == 0, "moof and mdat in pairs");
        for (; at + 1 < boxes.Count; at += 2)
        {
            var (moof, mdat) = (boxes[at], boxes[at + 1]);
            Require(moof.Type == "moof" && mdat.Type == "mdat", "moof, mdat");
            Chunks++;
            Order(bytes, Children(bytes, moof.Body, moof.End), "mfhd traf");
            var mfhd = Only(bytes, moof.Body, moof.End, "mfhd");
            var sequence = UInt(bytes, mfhd.Body + 4);
            Require(_sequence < 0 || sequence > _sequence, "sequence numbers rise");
            _sequence = sequence;
            var traf = Only(bytes, moof.Body, moof.End, "traf");
            Order(bytes, Children(bytes, traf.Body, traf.End), "tfhd tfdt trun");
            var tfhd = Only(bytes, traf.Body, traf.End, "tfhd");
            var headFlags = UInt(bytes, tfhd.Body);
            Require(headFlags == (isVideo ? 0x020000u : 0x020028u) && UInt(bytes, tfhd.Body + 4) == (uint)_trackId, "tfhd");
            var tfdt = Only(bytes, traf.Body, traf.End, "tfdt");
            Require(bytes[tfdt.Body] == 1 && tfdt.End - tfdt.Body == 12, "tfdt of 64 bits");
            var time = (long)BinaryPrimitives.ReadUInt64BigEndian(bytes[(tfdt.Body + 4)..]);
            Require(time >= 0, "tfdt below 0");
            var isSegment = isFirst;
            if (isSegment)
                Require(time == start, "the segment's start is its first tfdt");
            isFirst = false;
            if (_next >= 0)
            {
                // Within a segment pictures never leave a hole: decoders would wait for a key frame.
                Require(time == _next || (time > _next && (!isVideo || isSegment)), $"tfdt {time} after {_next}");
                Holes += time > _next ? 1 : 0;
            }
            Run(bytes, Only(bytes, traf.Body, traf.End, "trun"), moof, mdat, isVideo, time, isVideo ? 0 : (int)UInt(bytes, tfhd.Body + 8), isVideo ? 0 : UInt(bytes, tfhd.Body + 12));
        }
    }

    private void Run(ReadOnlySpan<byte> bytes, Box trun, Box moof, Box mdat, bool isVideo, long time, int duration, uint flags)
    {
        Require(UInt(bytes, trun.Body) == (isVideo ? 0x01000F01u : 0x01000201u), "trun: version 1, its fields");
        var count = (int)UInt(bytes, trun.Body + 4);
        Require(count > 0, "a run of nothing");
        Require((int)UInt(bytes, trun.Body + 8) == mdat.Body - moof.Start, "data_offset");
        var (at, data) = (trun.Body + 12, mdat.Body);
        for (var i = 0; i < count; i++)
        {
            var offset = 0;
            if (isVideo)
            {
                duration = (int)UInt(bytes, at);
                at += 4;
            }
            var size = (int)UInt(bytes, at);
            at += 4;
            if (isVideo)
            {
                flags = UInt(bytes, at);
                offset = (int)UInt(bytes, at + 4);
                at += 8;
                Require(flags is 0x0200_0000 or 0x0101_0000, "sample flags");
            }
            Require(duration > 0 && size > 0 && offset >= 0, "a sample has a duration, a size, and is shown when it is decoded");
            if (data + size > mdat.End)
            {
                Faults.Add("a sample beyond mdat");
                return;
            }
            var payload = bytes.Slice(data, size);
            if (_codec == Codec.Av1)
                Require(payload.Length > 1 && payload[0] >> 3 is not (2 or 15), "no temporal delimiter, no padding");
            else if (_codec == Codec.Vp9)
                Require(payload[0] >> 6 == 2 && (payload[0] & 4) == 0 == ((flags & 0x1_0000) == 0), "a VP9 frame, and a sync sample if it is a key");
            else if (isVideo)
                Units(payload);
            Samples.Add(new Sample(time, duration, offset, flags, payload.ToArray(), _segments));
            time += duration;
            data += size;
        }
        Require(at == trun.End && data == mdat.End, "run and mdat end together");
        _next = time;
    }

    private void Units(ReadOnlySpan<byte> sample)
    {
        while (sample.Length > 4)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(sample);
            if (length <= 0 || length > sample.Length - 4)
                break;
            Require(_codec == Codec.Hevc ? (sample[4] >> 1) is not (>= 32 and <= 35) : (sample[4] & 0x1F) is not (7 or 8 or 9), "no parameter sets, no delimiters");
            sample = sample[(4 + length)..];
        }
        Require(sample.IsEmpty, "NAL units fill the sample");
    }

    private static (string Entry, string Box) NamesOf(Codec codec) => codec switch
    {
        Codec.H264 => ("avc1", "avcC"),
        Codec.Hevc => ("hvc1", "hvcC"),
        Codec.Av1 => ("av01", "av1C"),
        Codec.Vp9 => ("vp09", "vpcC"),
        Codec.Opus => ("Opus", "dOps"),
        Codec.Flac => ("fLaC", "dfLa"),
        Codec.Ac3 => ("ac-3", "dac3"),
        Codec.Eac3 => ("ec-3", "dec3"),
        _ => ("mp4a", "esds"),
    };

    private List<Box> Children(ReadOnlySpan<byte> bytes, int from, int to)
    {
        List<Box> boxes = [];
        while (from < to)
        {
            var size = to - from < 8 ? 0 : (int)UInt(bytes, from);
            if (size < 8 || size > to - from)
            {
                Faults.Add($"segment {_segments}: a box of {size} bytes at {from} of {to}");
                break;
            }
            boxes.Add(new Box(Encoding.ASCII.GetString(bytes.Slice(from + 4, 4)), from, from + size, from + 8));
            from += size;
        }
        return boxes;
    }

    private Box Only(ReadOnlySpan<byte> bytes, int from, int to, string type) => Children(bytes, from, to).Single(b => b.Type == type);

    private void Order(ReadOnlySpan<byte> bytes, List<Box> boxes, string types)
    {
        _ = bytes;
        Require(string.Join(' ', boxes.Select(b => b.Type)) == types, string.Join(' ', boxes.Select(b => b.Type)) + " instead of " + types);
    }

    private static uint UInt(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]);

    private void Require(bool isTrue, string rule)
    {
        if (!isTrue)
            Faults.Add($"segment {_segments}: {rule}");
    }
}
