using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Media.Tests.Fmp4;

namespace XLive.Fuzz.Inputs;

/// <summary>A publisher's frames as playlists with parts: each change is read by the tests' own checker, and a delta update merged.</summary>
public sealed class PresentationFuzzer : FramesFuzzer
{
    private readonly List<(TrackKind Kind, byte[] Text, byte[] Delta, DateTimeOffset At)> _texts = [];

    public override string Name => "live-presentation";

    public override string Target => "`CmafPresentation`, `RenditionPlaylist`";

    protected override bool Parse(byte[] input)
    {
        _texts.Clear();
        using var presentation = new CmafPresentation(new CmafPresentationOptions { Window = 9, MostBytes = 4 << 20, BaseUri = "s/1/" });
        var writer = new CmafSegments(new CmafOptions { PartSeconds = 0.2, MostBytes = 1 << 20 }, presentation.Add, presentation.Add);
        RenditionPlaylist? video = null, audio = null;
        using (var segmenter = new Segmenter(new SegmenterOptions { SegmentSeconds = 2 }, writer))
        {
            Frames.Play(input, frame =>
            {
                segmenter.Write(frame, Frames.Now);
                Publish(segmenter);
            }, () =>
            {
                segmenter.Break();
                Publish(segmenter);
            });
            segmenter.Break();
            Publish(segmenter);
            presentation.End(Frames.Now);
            Look();
        }
        return _texts.Count > 0;

        void Publish(Segmenter segmenter)
        {
            if (presentation.Publish(segmenter.TargetDuration, writer.PartTargetSeconds, segmenter.IsIndependent, Frames.Now))
                Look();
        }

        void Look()
        {
            if (presentation.Current is not { PartTarget: > 0 } view)
                return;
            Keep(ref video, view.Video);
            Keep(ref audio, view.Audio);
        }

        void Keep(ref RenditionPlaylist? seen, RenditionPlaylist? playlist)
        {
            // What is looked at is bounded, as what is published is not.
            if (playlist is null || ReferenceEquals(seen, playlist) || _texts.Count >= 40)
                return;
            seen = playlist;
            _texts.Add((playlist.Kind, playlist.Text(PlaylistScope.All).Plain.ToArray(), playlist.Text(PlaylistScope.Skipping).Plain.ToArray(), Frames.Now));
        }
    }

    protected override void Verify(byte[] input, bool accepted)
    {
        foreach (var kind in new[] { TrackKind.Video, TrackKind.Audio })
        {
            var checker = new RenditionChecker(kind) { IsRegular = false };
            foreach (var (_, text, delta, at) in _texts.Where(t => t.Kind == kind))
            {
                var whole = new RenditionText(text);
                checker.See(whole, at);
                checker.SeeDelta(new RenditionText(delta), whole);
            }
            FuzzFailure.Equal("", string.Join('\n', checker.Faults.Take(5)), "rules; the last: " + (_texts.Count > 0 ? Encoding.ASCII.GetString(_texts[^1].Text) : ""));
        }
    }
}
