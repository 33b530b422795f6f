using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Hls;
using XLive.Media.Tests.Hls;
using XLive.Media.Tests.MpegTs;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// A publisher's frames, three bytes each: what it is, how far its time goes on, and what is wrong with it. The segments and playlists that come out are
/// read by the tests' own checkers of the standards.
/// </summary>
public sealed class SegmenterFuzzer : Fuzzer<byte[]>, IDisposable
{
    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Track[] Tracks =
    [
        Video("014d401fffe10017674d401feca02802dd808800001f480007530078c18cb001000568ebe3cb20"),
        Video("0142c00cffe100196742c00cd901419f9f011000000300100000030320f142a48001000568cb83cb20"),
        Audio("1190"),
        Audio("2b118800"),
    ];

    private readonly byte[] _payload = new byte[64 * 1024];
    private readonly List<Segment> _segments = [];
    private readonly List<(byte[] Playlist, DateTimeOffset At)> _playlists = [];

    public override string Name => "live-frames";

    public override string Target => "`Segmenter`, `TsMuxer`, `LivePlaylist`";

    // A segment has its pages, a playlist its text in two forms: some 10 KiB for as little as a dozen frames of three bytes.
    protected override int AllocationTimes => 4_096;

    protected override long AllocationRoom => 1 << 20;

    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(60);

    protected override string[] Tokens { get; } = ["\u0080\u0028\0", "\0\u0028\0", "\u0040\u0015\0", "\u00f0\u00ff\0", "\u0001\u00ff\u0010"];

    private static Track Video(string hex) => Media.Codecs.AvcConfiguration.TryRead(Convert.FromHexString(hex), out var track, out _) ? track! : throw new FormatException(hex);

    private static Track Audio(string hex) => Media.Codecs.AacConfiguration.TryRead(Convert.FromHexString(hex), out var track, out _) ? track! : throw new FormatException(hex);

    protected override string Generate(Dice dice)
    {
        var (gop, frames) = (1 + dice.Below(60), 10 + dice.Below(120));
        var (hasVideo, hasAudio) = (!dice.OneIn(5), !dice.OneIn(5));
        var step = dice.OneIn(3) ? 100 : 40;
        var bytes = new List<byte>();
        for (var i = 0; i < frames; i++)
        {
            if (hasVideo)
                bytes.AddRange([(byte)(i % gop == 0 ? 0x80 : 0x00), (byte)(dice.OneIn(40) ? dice.Below(256) : step), (byte)(dice.OneIn(40) ? dice.Below(256) : 0)]);
            for (var n = hasAudio ? 2 : 0; n > 0; n--)
                bytes.AddRange([0x40, (byte)(dice.OneIn(60) ? dice.Below(256) : hasVideo ? 0 : step / 2), (byte)(dice.OneIn(60) ? dice.Below(256) : 0)]);
        }
        return Latin([.. bytes]);
    }

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input)
    {
        Release();
        using var playlist = new LivePlaylist(new LivePlaylistOptions { MediaUri = "s/1/index.m3u8", MostBytes = 4 << 20 });
        var (now, time) = (Epoch, 0L);
        Segmenter? segmenter = null;
        segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, new TransportSegments(segment =>
        {
            segment.Buffer.TryHold();
            _segments.Add(segment);
            playlist.Add(segment, segmenter!.TargetDuration, segmenter.IsIndependent, now);
            _playlists.Add((playlist.Current!.Media.Plain.ToArray(), now));
        }, 2 << 20));
        for (var at = 0; at + 2 < input.Length; at += 3)
        {
            var (what, step, wrong) = (input[at], input[at + 1], input[at + 2]);
            now += TimeSpan.FromMilliseconds(step);
            time += step;
            if ((wrong & 0x0F) == 1)
                time += (sbyte)step * 300L;
            if ((wrong & 0x0F) == 2)
                segmenter.Break();
            var track = Tracks[((what >> 5) & 2) | (what & 1)];
            // A clock of its own, now and then.
            var own = (wrong & 0x0F) == 3 ? time + 3_600_000 : time;
            segmenter.Write(new Frame(track, Timestamp.FromMilliseconds(own), (wrong >> 4) * 900, (what & 0x80) != 0 || !track.IsVideo ? FrameFlags.Key : FrameFlags.None,
                Payload(track, what, wrong)), now);
        }
        segmenter.Break();
        segmenter.Dispose();
        return _segments.Count > 0;
    }

    private ReadOnlyMemory<byte> Payload(Track track, byte what, byte wrong)
    {
        var length = 8 + (((what >> 1) & 15) * 64);
        _payload.AsSpan(0, 8).Clear();
        if (track.IsVideo)
            (_payload[2], _payload[3], _payload[4]) = ((byte)((length - 4) >> 8), (byte)(length - 4), (byte)((what & 0x80) != 0 ? 0x65 : 0x41));
        // Lengths that lie, frames of nothing, and one too large for ADTS.
        if ((wrong & 0x0F) == 4)
            _payload[0] = what;
        return _payload.AsMemory(0, (wrong & 0x0F) switch { 5 => 0, 6 => 3, 7 => _payload.Length, _ => length });
    }

    protected override void Verify(byte[] input, bool accepted)
    {
        var transport = new TransportChecker();
        var playlists = new LivePlaylistChecker();
        foreach (var segment in _segments)
            transport.Read(segment.Buffer.Bytes.Span, segment.IsDiscontinuity);
        foreach (var (playlist, at) in _playlists)
            playlists.See(playlist, at);
        // Audio that a publisher sends long after its picture comes after the clock: to hold all back for it would be worse.
        FuzzFailure.Equal("", string.Join('\n', transport.Faults.Where(f => !f.Contains("ahead of decoding", StringComparison.Ordinal)).Concat(playlists.Faults).Take(5)), "rules");
        Release();
    }

    private void Release()
    {
        foreach (var segment in _segments)
            segment.Buffer.Release();
        _segments.Clear();
        _playlists.Clear();
    }

    public void Dispose() => Release();
}
