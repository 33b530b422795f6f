using XLive.Fuzz.Engine;
using XLive.Media.Hls;
using XLive.Media.Tests.Hls;
using XLive.Media.Tests.MpegTs;

namespace XLive.Fuzz.Inputs;

/// <summary>A publisher's frames as MPEG-TS. The segments and playlists that come out are read by the tests' own checkers of the standards.</summary>
public sealed class SegmenterFuzzer : FramesFuzzer, IDisposable
{
    private readonly List<Segment> _segments = [];
    private readonly List<(byte[] Playlist, DateTimeOffset At)> _playlists = [];

    public override string Name => "live-frames";

    public override string Target => "`Segmenter`, `TsMuxer`, `LivePlaylist`";

    protected override bool Parse(byte[] input)
    {
        Release();
        using var playlist = new LivePlaylist(new LivePlaylistOptions { MediaUri = "s/1/index.m3u8", MostBytes = 4 << 20 });
        Segmenter? segmenter = null;
        segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, new TransportSegments(segment =>
        {
            segment.Buffer.TryHold();
            _segments.Add(segment);
            playlist.Add(segment, segmenter!.TargetDuration, segmenter.IsIndependent, Frames.Now);
            _playlists.Add((playlist.Current!.Media.Plain.ToArray(), Frames.Now));
        }, 2 << 20));
        Frames.Play(input, frame => segmenter.Write(frame, Frames.Now), segmenter.Break);
        segmenter.Dispose();
        return _segments.Count > 0;
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
