using System.Buffers.Binary;

namespace XLive.Media.Tests.MpegTs;

/// <summary>
/// Reads a transport stream from the standard's side, knowing nothing of who wrote it: every rule of ISO/IEC 13818-1 and RFC 8216 that it may break is
/// looked at here, over segments that are given one after the other.
/// </summary>
internal sealed class TransportChecker
{
    private const int PacketLength = 188;
    private const long Limit = 100 * 90;

    private readonly Dictionary<int, int> _counters = [];
    private readonly Dictionary<int, List<byte>> _open = [];
    private readonly Dictionary<int, Pes> _openPes = [];
    private int _pmtPid = -1;
    private long _lastClock = -1;
    private long _lag = -1;
    private long _time = -1;
    private long _tablesTime = -1;
    private bool _hasClock;
    private bool _areTablesNew;
    private bool _isDiscontinuous;
    private int _inSegment;

    public sealed record Pes(int Pid, long Shown, long Decoded, bool IsRandomAccess, byte[] Data, bool HasLength, int Segment);

    public List<string> Faults { get; } = [];
    public List<Pes> Packets { get; } = [];
    public Dictionary<int, int> Streams { get; } = [];
    public int ClockPid { get; private set; } = -1;
    public int Version { get; private set; } = -1;
    public int Clocks { get; private set; }
    public int Tables { get; private set; }
    public long LongestClockGap { get; private set; }
    public int Segments { get; private set; }

    /// <param name="isDiscontinuity">Times may begin anew.</param>
    public TransportChecker Read(ReadOnlySpan<byte> segment, bool isDiscontinuity = false)
    {
        Segments++;
        _inSegment = 0;
        if (isDiscontinuity)
            (_lastClock, _lag, _time, _tablesTime, _isDiscontinuous) = (-1, -1, -1, -1, true);
        Require(segment.Length > 0 && segment.Length % PacketLength == 0, "whole packets");
        for (; segment.Length >= PacketLength; segment = segment[PacketLength..])
        {
            ReadPacket(segment[..PacketLength]);
            _inSegment++;
        }
        foreach (var pid in _open.Keys.ToArray())
            Close(pid);
        return this;
    }

    public IEnumerable<Pes> Of(int pid) => Packets.Where(p => p.Pid == pid);

    private void Require(bool isTrue, string rule)
    {
        if (!isTrue)
            Faults.Add($"segment {Segments}, packet {_inSegment}: {rule}");
    }

    private void ReadPacket(ReadOnlySpan<byte> packet)
    {
        Require(packet[0] == 0x47, "sync byte");
        Require((packet[1] & 0x80) == 0, "no transport error");
        Require((packet[3] & 0xC0) == 0, "not scrambled");
        var isStart = (packet[1] & 0x40) != 0;
        var pid = BinaryPrimitives.ReadUInt16BigEndian(packet[1..]) & 0x1FFF;
        var control = (packet[3] >> 4) & 3;
        var counter = packet[3] & 15;
        Require(control != 0, "adaptation_field_control");
        var hasPayload = (control & 1) != 0;
        if (_counters.TryGetValue(pid, out var last))
            Require(counter == ((last + (hasPayload ? 1 : 0)) & 15), $"continuity of {pid:x}: {counter} after {last}");
        _counters[pid] = counter;

        var payload = packet[4..];
        var isRandomAccess = false;
        _hasClock = false;
        if ((control & 2) != 0)
        {
            var length = packet[4];
            Require(hasPayload ? length <= 182 : length == 183, "adaptation_field_length");
            var field = packet.Slice(5, length);
            payload = packet[(5 + length)..];
            if (length > 0)
            {
                isRandomAccess = (field[0] & 0x40) != 0;
                Require((field[0] & 0x2F) == 0, "no flags but those known");
                var used = 1;
                if ((field[0] & 0x10) != 0)
                {
                    used = 7;
                    ReadClock(field, pid);
                }
                Require(field[used..].IndexOfAnyExcept((byte)0xFF) < 0, "stuffing");
            }
        }
        if (_inSegment < 2)
            Require(pid == (_inSegment == 0 ? 0 : _pmtPid), "PAT and PMT first");
        if (!hasPayload)
            return;
        if (pid == 0)
            ReadPat(payload);
        else if (pid == _pmtPid)
            ReadPmt(payload);
        else
            ReadPes(pid, payload, isStart, isRandomAccess);
    }

    private void ReadClock(ReadOnlySpan<byte> field, int pid)
    {
        Require(pid == ClockPid, "the clock on the PID that the PMT names");
        Require((field[5] & 0x7E) == 0x7E, "reserved bits");
        var clock = ((long)BinaryPrimitives.ReadUInt32BigEndian(field[1..]) << 1) | (uint)(field[5] >> 7);
        if (_isDiscontinuous)
            Require((field[0] & 0x80) != 0, "discontinuity_indicator");
        else
            Require((field[0] & 0x80) == 0, "no discontinuity_indicator");
        _isDiscontinuous = false;
        Clocks++;
        _hasClock = true;
        if (_lastClock >= 0)
        {
            var gap = Ahead(clock, _lastClock);
            Require(gap >= 0, "the clock never falls");
            Require(gap <= Limit, $"clocks {gap / 90} ms apart");
            LongestClockGap = Math.Max(LongestClockGap, gap);
        }
        _lastClock = clock;
        if (_lag >= 0)
            PassTime((clock + _lag) & ((1L << 33) - 1));
    }

    /// <summary>Each table is of the time of what comes next and has one.</summary>
    private void PassTime(long time)
    {
        if (_time < 0 || Ahead(time, _time) > 0)
            _time = time;
        if (_areTablesNew)
            _tablesTime = _time;
        _areTablesNew = false;
        if (_tablesTime >= 0)
            Require(Ahead(_time, _tablesTime) <= Limit, $"tables {Ahead(_time, _tablesTime) / 90} ms apart");
    }

    private void ReadPat(ReadOnlySpan<byte> payload)
    {
        var section = Section(payload, 0);
        Require(section.Length == 4, "one program");
        _pmtPid = BinaryPrimitives.ReadUInt16BigEndian(section[2..]) & 0x1FFF;
    }

    private void ReadPmt(ReadOnlySpan<byte> payload)
    {
        var section = Section(payload, 2);
        ClockPid = BinaryPrimitives.ReadUInt16BigEndian(section) & 0x1FFF;
        Dictionary<int, int> streams = [];
        for (var rest = section[4..]; rest.Length >= 5;)
        {
            var (type, information) = (rest[0], BinaryPrimitives.ReadUInt16BigEndian(rest[3..]) & 0x0FFF);
            streams.Add(BinaryPrimitives.ReadUInt16BigEndian(rest[1..]) & 0x1FFF, type);
            // A registration descriptor says that 0x81 is ATSC's (A/52 A4.3).
            Require(rest[5..(5 + information)].SequenceEqual(type == 0x81 ? "\u0005\u0004AC-3"u8 : []), "descriptors");
            rest = rest[(5 + information)..];
        }
        var version = (payload[6] >> 1) & 31;
        var isSame = streams.Count == Streams.Count && streams.All(s => Streams.GetValueOrDefault(s.Key) == s.Value);
        Require(Version < 0 || isSame || version != Version, "another version for other streams");
        Streams.Clear();
        foreach (var (pid, type) in streams)
            Streams.Add(pid, type);
        Version = version;
        Require(streams.ContainsKey(ClockPid), "the clock's PID is a stream");
        Tables++;
        _areTablesNew = true;
    }

    private ReadOnlySpan<byte> Section(ReadOnlySpan<byte> payload, int table)
    {
        Require(payload[0] == 0 && payload[1] == table, "a section of table " + table);
        var length = BinaryPrimitives.ReadUInt16BigEndian(payload[2..]) & 0x0FFF;
        var section = payload.Slice(1, 3 + length);
        Require(payload[(4 + length)..].IndexOfAnyExcept((byte)0xFF) < 0, "stuffing behind the section");
        // A sum over itself is zero.
        uint crc = uint.MaxValue;
        foreach (var value in section)
        {
            for (var bit = 7; bit >= 0; bit--)
                crc = (crc << 1) ^ (((crc >> 31) ^ (uint)((value >> bit) & 1)) * 0x04C11DB7);
        }
        Require(crc == 0, "CRC");
        Require((section[5] & 1) == 1 && section[6] == 0 && section[7] == 0, "current, one section");
        return section[8..^4];
    }

    private void ReadPes(int pid, ReadOnlySpan<byte> payload, bool isStart, bool isRandomAccess)
    {
        Require(Streams.ContainsKey(pid), $"a PID that the PMT names: {pid:x}");
        if (!isStart)
        {
            Require(_open.ContainsKey(pid), "begins with a PES packet of its own");
            if (_open.TryGetValue(pid, out var open))
                open.AddRange(payload);
            return;
        }
        Close(pid);
        Require(payload[..3].SequenceEqual(new byte[] { 0, 0, 1 }), "packet_start_code_prefix");
        var type = Streams.GetValueOrDefault(pid);
        var isVideo = type is 0x1B or 0x24;
        // AC-3 goes in private_stream_1 (A/52 A4.2).
        Require(payload[3] == (isVideo ? 0xE0 : type == 0x81 ? 0xBD : 0xC0), "stream_id");
        var length = BinaryPrimitives.ReadUInt16BigEndian(payload[4..]);
        Require(length > 0 || isVideo, "PES_packet_length 0 of video alone");
        Require((payload[6] & 0xC4) == 0x84, "data_alignment_indicator");
        var hasDecoded = payload[7] == 0xC0;
        Require(hasDecoded || payload[7] == 0x80, "times");
        Require(payload[8] == (hasDecoded ? 10 : 5), "PES_header_data_length");
        var shown = Time(payload[9..], hasDecoded ? 3 : 2);
        var decoded = hasDecoded ? Time(payload[14..], 1) : shown;
        Require(Ahead(shown, decoded) >= 0, "shown when decoded");
        // How far the clock lags behind is told where a frame brings it.
        if (_lag < 0 && _hasClock)
            _lag = Ahead(decoded, _lastClock);
        Require(_lastClock >= 0, "a clock before the first frame");
        Require(Ahead(decoded, _lastClock) >= 0, $"the clock {-Ahead(decoded, _lastClock) / 90} ms ahead of decoding");
        if (pid == ClockPid)
            PassTime(decoded);
        _openPes[pid] = new Pes(pid, shown, decoded, isRandomAccess, [], length > 0, Segments);
        _open[pid] = [.. payload[(9 + payload[8])..]];
        if (length > 0)
            _expected[pid] = length - 3 - payload[8];
    }

    private readonly Dictionary<int, int> _expected = [];

    private void Close(int pid)
    {
        if (!_open.Remove(pid, out var data))
            return;
        if (_expected.Remove(pid, out var expected))
            Require(data.Count == expected, $"PES_packet_length {expected}, but {data.Count}");
        Packets.Add(_openPes[pid] with { Data = [.. data] });
    }

    private long Time(ReadOnlySpan<byte> field, int prefix)
    {
        Require(field[0] >> 4 == prefix && (field[0] & field[2] & field[4] & 1) == 1, "marker bits");
        return ((long)(field[0] >> 1 & 7) << 30) | ((long)field[1] << 22) | ((long)(field[2] >> 1) << 15) | ((long)field[3] << 7) | (uint)(field[4] >> 1);
    }

    /// <summary>Modulo 2^33.</summary>
    private static long Ahead(long a, long b) => (a - b) << 31 >> 31;
}
