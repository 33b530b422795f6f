using System.Text;
using XLive.Media.Fmp4;
using XLive.Media.Hls;

namespace XLive.Media.Tests.Fmp4;

public sealed class CmafPresentationTests
{
    private static readonly Random Random = new(20261122);

    private static SyntheticStream Stream(double seconds, double from = 0) => new() { Random = Random, Fps = 30, Gop = 2, BFrames = 2, Seconds = seconds, From = from };

    [Fact]
    public void Every_change_keeps_every_rule_through_two_returns_and_the_end()
    {
        using var rig = new PresentationRig(window: 12);
        var fetched = 0;
        rig.Changed = view =>
        {
            if (++fetched % 20 != 0)
                return;
            rig.Video.Fetch((number, part) => rig.IsThere(TrackKind.Video, number, part), rig.Now);
            rig.Audio.Fetch((number, part) => rig.IsThere(TrackKind.Audio, number, part), rig.Now);
        };
        rig.Write(Stream(60).Frames()).Break(awaySeconds: 3).Write(Stream(31, from: 5).Frames()).Break(awaySeconds: 1).Write(Stream(61, from: 1000).Frames());
        rig.End();
        Assert.Empty(rig.Faults);
        Assert.True(rig.Video.Latest!.HasEnded && rig.Audio.Latest!.HasEnded);
        Assert.Equal((0, 0), (rig.Video.Latest.Faults.Count, rig.Audio.Latest.Faults.Count));
        Assert.InRange(rig.Video.Parts.Count, 700, 800);
        // A change for each part, and for each end of a segment.
        Assert.InRange(rig.Video.Seen, 650, 820);
        Assert.True(rig.MostSkipped >= 4, $"{rig.MostSkipped} were skipped");
    }

    [Theory]
    [InlineData(24, 0.5)]
    [InlineData(25, 0.2)]
    [InlineData(30000.0 / 1001, 0.5)]
    [InlineData(60, 0.2)]
    public void At_every_rate(double fps, double part)
    {
        using var rig = new PresentationRig(segmentSeconds: 4, partSeconds: part);
        rig.Write(new SyntheticStream { Random = Random, Fps = fps, Gop = 2, BFrames = 2, Seconds = 40 }.Frames()).End();
        Assert.Empty(rig.Faults);
        Assert.InRange(rig.View.PartTarget, part - (0.5 / fps) - 0.003, (part * 1.4) + 0.003);
    }

    [Fact]
    public void Small_windows_advertise_no_delta_updates_and_give_none()
    {
        using var rig = new PresentationRig(window: 6);
        rig.Write(Stream(40).Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal((0, 0.0, 6), (rig.MostSkipped, rig.Video.Latest!.CanSkipUntil, rig.Video.Latest.Version));
        Assert.Same(rig.View.Video!.Text(PlaylistScope.All), rig.View.Video.Text(PlaylistScope.Skipping));
    }

    [Fact]
    public void Each_rendition_says_where_the_other_is()
    {
        using var rig = new PresentationRig();
        var wrong = new List<string>();
        rig.Changed = view =>
        {
            // A text is of its own last part; what it says of the other was so when it was made.
            var (video, audio) = (PresentationRig.Read(view.Video!), PresentationRig.Read(view.Audio!));
            if (video.Reports is not [("audio.m3u8", var number, var part)] || audio.Reports is not [("video.m3u8", _, _)])
                wrong.Add("each reports the other alone");
            else if (Math.Abs(((number - video.Last - 1) * 10) + part - (video.Tail.Parts.Count - 1)) > 2 && video.Last == audio.Last)
                wrong.Add($"video at {video.Last}+{video.Tail.Parts.Count}, audio reported at {number}.{part}");
        };
        rig.Write(Stream(20).Frames());
        Assert.Empty(rig.Faults.Concat(wrong));
    }

    [Fact]
    public void One_text_of_each_state_and_the_same_for_all()
    {
        using var rig = new PresentationRig(window: 20);
        rig.Write(Stream(50).Frames());
        var playlist = rig.View.Video!;
        foreach (var scope in Enum.GetValues<PlaylistScope>())
        {
            var forms = new PlaylistForms[8];
            Parallel.For(0, forms.Length, i => forms[i] = playlist.Text(scope));
            Assert.All(forms, form => Assert.Same(forms[0], form));
        }
        Assert.True(playlist.Text(PlaylistScope.Skipping).Plain.Length < playlist.Text(PlaylistScope.All).Plain.Length);
        Assert.DoesNotContain("PART", Encoding.ASCII.GetString(playlist.Text(PlaylistScope.WholeSegments).Plain.Span), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_playlist_reaches_and_what_is_too_far()
    {
        using var rig = new PresentationRig();
        rig.Write(Stream(11.1).Frames());
        var playlist = rig.View.Video!;
        var (last, open) = (playlist.LastWhole, playlist.OpenParts);
        Assert.Equal((4L, 5), (last, open));
        Assert.True(playlist.Reaches(0, -1) && playlist.Reaches(last, -1) && !playlist.Reaches(last + 1, -1));
        Assert.True(playlist.Reaches(last, 999) && playlist.Reaches(last - 1, 999), "beyond the last part is the first of the next");
        Assert.True(playlist.Reaches(last + 1, open - 1) && !playlist.Reaches(last + 1, open) && !playlist.Reaches(last + 2, 0));
        Assert.True(!playlist.IsTooFar(last + 2, -1) && playlist.IsTooFar(last + 3, -1));
        // Parts of 0.2 s: fifteen beyond the last.
        Assert.True(!playlist.IsTooFar(last + 1, open - 1 + 15) && playlist.IsTooFar(last + 1, open + 15));
        Assert.True(playlist.IsHinted(last + 1, open) && !playlist.IsHinted(last + 1, open + 1) && !playlist.IsHinted(last + 2, 0));
    }

    [Fact]
    public void Sound_alone_and_pictures_alone()
    {
        foreach (var (hasVideo, audio) in new[] { (true, null), (false, SyntheticStream.Aac) })
        {
            using var rig = new PresentationRig();
            rig.Write(new SyntheticStream { Random = Random, HasVideo = hasVideo, Audio = audio, Seconds = 20 }.Frames()).End();
            Assert.Empty(rig.Faults);
            var multivariant = Encoding.ASCII.GetString(rig.View.Multivariant(isWhole: false).Plain.Span);
            Assert.DoesNotContain("EXT-X-MEDIA", multivariant, StringComparison.Ordinal);
            Assert.EndsWith(hasVideo ? "\ns/e1/video.m3u8\n" : "\ns/e1/audio.m3u8\n", multivariant, StringComparison.Ordinal);
            Assert.Empty((hasVideo ? rig.Video : rig.Audio).Latest!.Reports);
        }
    }

    [Fact]
    public void Sound_that_came_late_begins_with_the_number_of_its_picture_and_a_lack_of_it_is_a_gap()
    {
        using var rig = new PresentationRig();
        List<Frame> Only(double seconds, double from) => new SyntheticStream { Random = Random, Audio = null, Seconds = seconds, From = from }.Frames();
        rig.Write(Only(8, 0)).Write(new SyntheticStream { Random = Random, Seconds = 8, From = 8 }.Frames()).Write(Only(12, 16));
        Assert.Empty(rig.Faults);
        var (video, audio) = (rig.Video.Latest!, rig.Audio.Latest!);
        Assert.InRange(audio.Last, video.Last, video.Last);
        Assert.Contains(audio.Segments, static s => s.IsGap);
        Assert.DoesNotContain(video.Segments, static s => s.IsGap);
        for (var number = Math.Max(video.MediaSequence, audio.MediaSequence); number <= video.Last; number++)
            Assert.Equal(video.Segments[(int)(number - video.MediaSequence)].IsDiscontinuity, audio.Segments[(int)(number - audio.MediaSequence)].IsDiscontinuity);
    }

    [Fact]
    public void Other_parameters_are_another_map_before_their_first_part()
    {
        using var rig = new PresentationRig(window: 12);
        rig.Write(Stream(9).Frames()).Write(new SyntheticStream { Random = Random, Fps = 30, VideoTrack = SyntheticStream.OtherVideo, Seconds = 9, From = 9 }.Frames());
        Assert.Empty(rig.Faults);
        Assert.Equal(["v0.mp4", "v1.mp4"], rig.Video.Latest!.Segments.Select(static s => s.Map).Where(static m => m.Length > 0).Distinct());
        Assert.Equal(SyntheticStream.Video.CodecName, rig.View.FindMap(TrackKind.Video, 0)!.CodecName);
        Assert.Equal(SyntheticStream.OtherVideo.CodecName, rig.View.FindMap(TrackKind.Video, 1)!.CodecName);
        Assert.Null(rig.View.FindMap(TrackKind.Video, 2));
    }

    [Fact]
    public void Without_low_latency_there_are_whole_segments_alone()
    {
        using var rig = new PresentationRig(isLowLatency: false);
        rig.Write(Stream(20).Frames());
        var text = Encoding.ASCII.GetString(rig.View.Video!.Text(PlaylistScope.All).Plain.Span);
        Assert.DoesNotContain("PART", text, StringComparison.Ordinal);
        Assert.DoesNotContain("SERVER-CONTROL", text, StringComparison.Ordinal);
        Assert.EndsWith(".m4s\n", text, StringComparison.Ordinal);
        Assert.Equal(0, rig.View.PartTarget);
    }

    [Fact]
    public void All_memory_goes_with_it()
    {
        using var rig = new PresentationRig();
        rig.Write(Stream(60).Frames());
        var held = rig.View.TryHoldSegment(TrackKind.Video, rig.View.FirstListed, out var entry);
        Assert.NotNull(held);
        rig.End();
        rig.Presentation.Dispose();
        Assert.Equal(0, rig.Presentation.Bytes);
        // Who reads it still has it, and is the last.
        Assert.True(held.TryHold());
        held.Release();
        held.Release();
        Assert.False(held.TryHold());
        Assert.NotNull(entry);
    }

    [Theory]
    [InlineData("video.m3u8", CmafResource.Playlist, TrackKind.Video, 0, 0)]
    [InlineData("audio-whole.m3u8", CmafResource.Playlist, TrackKind.Audio, 0, 0)]
    [InlineData("v0.mp4", CmafResource.Map, TrackKind.Video, 0, 0)]
    [InlineData("a17.m4s", CmafResource.Segment, TrackKind.Audio, 17, 0)]
    [InlineData("v17.3.m4s", CmafResource.Part, TrackKind.Video, 17, 3)]
    public void Names(string text, CmafResource resource, TrackKind kind, long number, int part)
    {
        Assert.True(CmafName.TryRead(text, out var name));
        Assert.Equal((resource, kind, number, part), (name.Resource, name.Kind, name.Number, name.Part));
    }

    [Theory]
    [InlineData("")]
    [InlineData("v.m4s")]
    [InlineData("v01.m4s")]
    [InlineData("v1.01.m4s")]
    [InlineData("v1..m4s")]
    [InlineData("v1.2.3.m4s")]
    [InlineData("v-1.m4s")]
    [InlineData("x1.m4s")]
    [InlineData("V1.m4s")]
    [InlineData("v1.M4S")]
    [InlineData("v1234567890123456789.m4s")]
    [InlineData("v1.99999999999.m4s")]
    [InlineData("vwhole.m3u8")]
    [InlineData("v1.mp4x")]
    [InlineData(".mp4")]
    [InlineData("video-whole-whole.m3u8")]
    public void No_names(string text) => Assert.False(CmafName.TryRead(text, out _));
}
