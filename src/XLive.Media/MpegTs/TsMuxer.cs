using System.Buffers;
using XLive.Media.Codecs;

namespace XLive.Media.MpegTs;

/// <summary>
/// Frames into a transport stream of one program, cut into segments: each begins with its tables, a clock and a PES packet of its own, and continuity
/// counters run on from one to the next. Allocates when tracks change, not by the frame.
///
/// Clocks and tables are promised by time (TR 101 290: 100 ms, 500 ms), frames come when they come. So each goes out early where waiting for another
/// frame, as far away as the last one was, would be too late; and where that guess was wrong, before the frame that came late.
/// </summary>
public sealed class TsMuxer
{
    internal const long LongestGap = 100 * Timestamp.PerMillisecond;

    // A segment of HLS is never as long.
    private const long LongestHole = 12 * Timestamp.PerSecond;

    // What DVB asks for (TR 101 154 4.1.5.3); with frames it costs 6 bytes, in a packet of its own 188.
    private const long WantedClock = 40 * Timestamp.PerMillisecond;

    // How far the clock lags behind the frames, as ffmpeg's muxdelay: room for audio that comes later than the video of its time; and for some that comes before.
    private const long Lag = 700 * Timestamp.PerMillisecond;

    private const long Ahead = 600 * Timestamp.PerMillisecond;

    // Clock and frames begin above zero; Apple's segmenter begins at ten seconds too.
    internal const long Origin = 10 * Timestamp.PerSecond;

    // aac_frame_length has 13 bits, the header is 7 bytes and more. Frames of MP3 are shorter than 2 KiB.
    private const int LongestAudio = (1 << 13) - 1 - 7;

    private const long Wrap = (1L << 33) - 1;

    private static ReadOnlySpan<byte> AvcDelimiter => [0, 0, 0, 1, 9, 0xF0];
    private static ReadOnlySpan<byte> HevcDelimiter => [0, 0, 0, 1, 35 << 1, 1, 0x50];
    private static ReadOnlySpan<byte> StartCode => [0, 0, 0, 1];

    private readonly ProgramTables _tables = new();
    private IBufferWriter<byte> _output = new ArrayBufferWriter<byte>();
    private Track? _video;
    private Track? _audio;
    private byte[] _parameterSets = [];
    private AudioBundle? _bundle;
    private byte _videoCounter;
    private byte _audioCounter;

    // Of the stream: the latest time written, its distance from the one before, and when clock and tables were last told.
    private long _now = long.MinValue;
    private long _gap;
    private long _clockAt;
    private long _tablesAt;
    private bool _isFresh;
    private bool _isBroken;

    // As it was before the segment that is written.
    private (byte Video, byte Audio, byte Tables, long Now, long Clock) _before;

    /// <summary>Frames that no transport stream can hold: lengths that lie, AAC of more than 8 KiB.</summary>
    public long Refused { get; private set; }

    /// <summary>Nothing but tables was written since the segment began.</summary>
    public bool IsEmpty => _isFresh;

    /// <summary>What HLS has in MPEG-TS. AV1, VP9 and FLAC have no stream_type; Opus has no player, and E-AC-3 is left to MP4.</summary>
    public static bool Carries(Track track) => track.Codec is Codec.H264 or Codec.Hevc or Codec.Aac or Codec.Mp3 or Codec.Ac3;

    /// <summary>There is something in the frame, and its lengths do not lie.</summary>
    public static bool IsWhole(in Frame frame)
    {
        var payload = frame.Payload.Span;
        if (!frame.Track.IsVideo)
            return payload.Length is > 0 and <= LongestAudio;
        var isAny = false;
        var units = new NalUnits(payload);
        while (units.MoveNext())
            isAny |= IsWritten(frame.Track.Codec, units.Current);
        return isAny && !units.IsBroken;
    }

    /// <summary>A segment begins: what was held of the one before is written to that, then the tables to this.</summary>
    /// <param name="isDiscontinuity">Times begin anew.</param>
    public void Begin(IBufferWriter<byte> output, Track? video, Track? audio, bool isDiscontinuity)
    {
        End();
        _before = (_videoCounter, _audioCounter, _tables.Counter, _now, _clockAt);
        _output = output;
        TakeVideo(video);
        TakeAudio(audio);
        _tables.Describe(video, audio);
        WriteTables(_now);
        _isFresh = true;
        _isBroken = isDiscontinuity;
    }

    /// <summary>A track that came late, in a segment that nobody has seen: its tables are mended where they stand.</summary>
    public void AddAudio(Span<byte> written, Track audio)
    {
        TakeAudio(audio);
        _tables.Amend(written, _video, audio);
    }

    /// <summary>Of a track that was named; what the memory holds is copied.</summary>
    public void Write(in Frame frame)
    {
        if (frame.Track.IsVideo)
            WriteVideo(frame);
        else
            WriteAudio(frame);
    }

    /// <summary>All that was given is written. The segment may be whole then, or be gone on with.</summary>
    public void End()
    {
        if (_bundle is not { Length: > 0 })
            return;
        var flags = _video is null ? Adaptation.RandomAccess : (byte)0;
        var stream = _audio!.Codec == Codec.Ac3 ? PesHeader.PrivateAudio : PesHeader.Audio;
        var packet = Packetize(ProgramTables.AudioPid, ref _audioCounter, stream, _bundle.Time, _bundle.Time, _bundle.Length, flags);
        packet.Write(_bundle.Bytes);
        _bundle.Clear();
    }

    /// <summary>What was written since the segment began will not be seen: the next one follows on the one before.</summary>
    public void Abandon()
    {
        _bundle?.Clear();
        (_videoCounter, _audioCounter, _tables.Counter, _now, _clockAt) = _before;
    }

    private void WriteVideo(in Frame frame)
    {
        var codec = frame.Track.Codec;
        var delimiter = codec == Codec.Hevc ? HevcDelimiter : AvcDelimiter;
        var length = delimiter.Length + (frame.IsKey ? _parameterSets.Length : 0);
        var empty = length;
        var units = new NalUnits(frame.Payload.Span);
        while (units.MoveNext())
            length += IsWritten(codec, units.Current) ? StartCode.Length + units.Current.Length : 0;
        if (length == empty || units.IsBroken)
        {
            Refused++;
            return;
        }
        var decoded = frame.Decoded.Ticks;
        // Audio that stopped in the midst of a packet must not come behind its clock.
        if (_bundle is { Length: > 0 } && decoded - _bundle.Time > Lag - (2 * LongestGap))
            End();
        var shown = Math.Max(decoded, frame.Shown.Ticks);
        var flags = frame.IsKey ? Adaptation.RandomAccess : (byte)0;
        var packet = Packetize(ProgramTables.VideoPid, ref _videoCounter, PesHeader.Video, decoded, shown, length, flags);
        packet.Write(delimiter);
        if (frame.IsKey)
            packet.Write(_parameterSets);
        units = new NalUnits(frame.Payload.Span);
        while (units.MoveNext())
        {
            if (!IsWritten(codec, units.Current))
                continue;
            packet.Write(StartCode);
            packet.Write(units.Current);
        }
    }

    /// <summary>The delimiter stands first in each access unit (13818-1 2.14.1, of HEVC 2.17.1), so it is ours.</summary>
    private static bool IsWritten(Codec codec, ReadOnlySpan<byte> unit) => NalUses.Of(codec, unit) != NalUse.Delimiter;

    private void WriteAudio(in Frame frame)
    {
        if (_bundle is null || !_bundle.Holds(frame.Payload.Length))
        {
            Refused++;
            return;
        }
        var time = frame.Decoded.Ticks;
        if (_bundle.IsFullBefore(time, frame.Payload.Length))
            End();
        _bundle.Add(time, frame.Payload.Span);
    }

    private Packet Packetize(int pid, ref byte counter, byte stream, long decoded, long shown, int length, byte flags)
    {
        Advance(decoded, pid);
        var clock = 0L;
        if (pid == _tables.ClockPid && (_isFresh || _now + _gap - _clockAt > WantedClock))
        {
            flags |= Adaptation.HasClock;
            if (_isBroken)
                flags |= Adaptation.Discontinuity;
            clock = ClockAt(_now);
            _clockAt = _now;
            _isBroken = false;
        }
        _isFresh = false;
        var header = PesHeader.LengthOf(decoded, shown);
        var adaptation = new Adaptation(flags, clock);
        var space = Packet.SpaceOf(header + length, adaptation);
        var packet = new Packet(_output.GetSpan(space)[..space], pid, ref counter, header + length, adaptation);
        Span<byte> bytes = stackalloc byte[PesHeader.Longest];
        PesHeader.Write(bytes, stream, (decoded + Origin) & Wrap, (shown + Origin) & Wrap, length);
        packet.Write(bytes[..header]);
        _output.Advance(space);
        return packet;
    }

    /// <summary>The stream's time goes on to this frame's, and what is due by then is written before it.</summary>
    private void Advance(long time, int pid)
    {
        // The clock is the picture's. Sound may be ahead of it, but where no picture comes it goes on by the sound.
        if (pid != _tables.ClockPid)
            time -= Ahead;
        if (_isBroken || _now == long.MinValue)
        {
            _now = _tablesAt = _clockAt = time;
            if (pid != _tables.ClockPid)
                WriteClock(time);
            return;
        }
        if (time > _now)
        {
            _gap = Math.Min(time - _now, LongestGap);
            _now = time;
        }
        // Whoever lets time jump begins a segment. If not, this ends all the same.
        _clockAt = Math.Max(_clockAt, _now - LongestHole);
        _tablesAt = Math.Max(_tablesAt, _now - LongestHole);
        if (_isFresh)
        {
            // The tables stand already, so they are of the time of what comes behind them.
            _tablesAt = Math.Min(_now, _clockAt + LongestGap);
            if (_tablesAt < _now)
                WriteClock(_tablesAt);
        }
        for (var due = NextDue(); due < _now; due = NextDue())
        {
            WriteTables(due);
            WriteClock(due);
        }
        if (_now + _gap - _tablesAt > LongestGap)
            WriteTables(_now);
        if (pid != _tables.ClockPid && (_isFresh || _now + _gap - _clockAt > LongestGap))
            WriteClock(_now);
    }

    private long NextDue() => Math.Min(_clockAt, _tablesAt) + LongestGap;

    private void WriteTables(long time)
    {
        _tablesAt = time;
        _tables.Write(_output.GetSpan(ProgramTables.Length));
        _output.Advance(ProgramTables.Length);
    }

    private void WriteClock(long time)
    {
        var counter = _video is null ? _audioCounter : _videoCounter;
        var flags = _isBroken ? (byte)(Adaptation.HasClock | Adaptation.Discontinuity) : Adaptation.HasClock;
        Packet.WriteClock(_output.GetSpan(Packet.Length), _tables.ClockPid, counter, new Adaptation(flags, ClockAt(time)));
        _output.Advance(Packet.Length);
        _clockAt = time;
        _isBroken = false;
    }

    private static long ClockAt(long time) => (time + Origin - Lag) & Wrap;

    private void TakeVideo(Track? video)
    {
        if (ReferenceEquals(video, _video))
            return;
        _video = video;
        _parameterSets = [];
        if (video is null)
            return;
        var record = video.Configuration.Span;
        if (video.Codec == Codec.Hevc)
        {
            _parameterSets = new byte[HevcConfiguration.ParameterSetsLength(record)];
            HevcConfiguration.WriteParameterSets(record, _parameterSets);
            return;
        }
        _parameterSets = new byte[AvcConfiguration.ParameterSetsLength(record)];
        AvcConfiguration.WriteParameterSets(record, _parameterSets);
    }

    private void TakeAudio(Track? audio)
    {
        if (ReferenceEquals(audio, _audio))
            return;
        _audio = audio;
        _bundle = audio is null ? null : new AudioBundle(audio);
    }
}
