using System.Buffers;
using XLive.Media.Flv;

namespace XLive.Media.Tests.Flv;

/// <summary>What FFmpeg 8.1 sends of each codec: the tracks are what ffprobe says of its source, and no frame is missing.</summary>
public class EnhancedCaptureTests
{
    [Theory]
    [InlineData("hevc-aac", "hvc1.1.6.L30.90 96x64@10", 20, 2, "mp4a.40.2 48000/1", 95)]
    [InlineData("av1-opus", "av01.0.00M.08 96x64@0", 20, 2, "Opus 48000/1", 101)]
    [InlineData("avc-ac3", "avc1.42c00a 96x64@10", 20, 2, "ac-3 48000/1", 63)]
    [InlineData("eac3", null, 0, 0, "ec-3 48000/2", 32)]
    [InlineData("flac", null, 0, 0, "fLaC 48000/1", 11)]
    [InlineData("opus51", null, 0, 0, "Opus 48000/6", 26)]
    public void What_FFmpeg_sent(string capture, string? video, int pictures, int keys, string audio, int sounds)
    {
        var file = new EnhancedFile(capture);
        Assert.Equal(("", 0L, 0L, 0L), (file.Demuxer.FaultText, file.Demuxer.Dropped, file.Demuxer.OtherPictures, file.Demuxer.OtherSounds));
        Assert.Equal(video, file.Demuxer.Video is { } v ? FormattableString.Invariant($"{v.CodecName} {v.Width}x{v.Height}@{v.FrameRate}") : null);
        Assert.Equal((pictures, keys), (file.Video.Count, file.Video.Count(f => f.IsKey)));
        var sound = file.Demuxer.Audio!;
        Assert.Equal((audio, sounds), (FormattableString.Invariant($"{sound.CodecName} {sound.SampleRate}/{sound.Channels}"), file.Audio.Count));
        Assert.All(file.Frames, f => Assert.Same(f.Track.IsVideo ? file.Demuxer.Video : sound, f.Track));
        // x265 with two B-frames shows pictures in another order than they are decoded, all of them 100 ms apart.
        var shown = file.Video.Select(f => f.Shown.Milliseconds).Order().ToList();
        Assert.All(shown.Zip(shown.Skip(1)), p => Assert.InRange(p.Second - p.First, 99, 101));
        Assert.Equal(capture == "hevc-aac", file.Video.Any(f => f.CompositionOffset > 0));
    }

    [Fact]
    public void Of_several_tracks_the_first_is_carried_and_the_others_are_counted()
    {
        var file = new EnhancedFile("multitrack");
        Assert.Equal(("avc1.42c00a", "mp4a.40.2"), (file.Demuxer.Video!.CodecName, file.Demuxer.Audio!.CodecName));
        Assert.Equal(0, file.Demuxer.Dropped);
        Assert.Equal(10, file.Video.Count);
        // Twelve pictures of HEVC, 32 sounds of AC-3 and what they were announced with.
        Assert.InRange(file.Demuxer.OtherPictures, 12, 12 + 4);
        Assert.InRange(file.Demuxer.OtherSounds, 32, 32 + 4);
    }

    [Fact]
    public void Of_several_tracks_each_is_read_by_its_id_with_the_same_sound_at_the_same_times()
    {
        var (first, second, third) = (new EnhancedFile("multitrack"), new EnhancedFile("multitrack", picture: 1), new EnhancedFile("multitrack", picture: 2));
        Assert.Equal(("hvc1.1.6.L30.90", "mp4a.40.2", 0L), (second.Demuxer.Video!.CodecName, second.Demuxer.Audio!.CodecName, second.Demuxer.Dropped));
        Assert.Equal((12, 2), (second.Video.Count, second.Video.Count(f => f.IsKey)));
        // Each begins at its own first frame; what the source calls a sound is the same of both.
        Assert.Equal(SoundsOf(first), SoundsOf(second));
        Assert.Equal((null, 0), (third.Demuxer.Video, third.Video.Count));

        static IEnumerable<(long, int)> SoundsOf(EnhancedFile file) => file.Audio.Select(f => (f.Decoded.Ticks + file.Demuxer.ToSource, f.Payload.Length));
    }

    [Theory]
    [InlineData("", 1UL)]
    [InlineData("17" + "01000000" + "aa", 1UL)] // H.264 as ever
    [InlineData("91" + "61763031" + "aa", 1UL)] // AV1, and nothing of tracks
    [InlineData("96" + "01" + "61763031" + "00" + "aa", 1UL)] // OneTrack
    [InlineData("96" + "01" + "61763031" + "03" + "aa", 8UL)]
    [InlineData("96" + "11" + "61763031" + "00" + "000001aa" + "02" + "000001bb", 5UL)] // ManyTracks
    [InlineData("96" + "21" + "61763031" + "01" + "000001aa" + "68766331" + "ff" + "000001bb", (1UL << 63) | 2)] // ManyTracksManyCodecs
    [InlineData("97" + "02" + "00000a" + "06" + "01" + "61763031" + "02" + "aa", 4UL)] // behind a modifier
    [InlineData("96" + "11" + "61763031" + "00" + "000001aa" + "02" + "000009bb", 1UL)] // cut short
    public void Which_tracks_are_in_a_message(string message, ulong tracks) => Assert.Equal(tracks, FlvTracks.OfVideo(Convert.FromHexString(message)));

    [Fact]
    public void Of_VP9_the_keyframe_says_the_size()
    {
        var file = new EnhancedFile("vp9");
        Assert.Equal(("", 0L), (file.Demuxer.FaultText, file.Demuxer.Dropped));
        var video = file.Demuxer.Video!;
        Assert.Equal(("vp09.00.10.08", 96, 64), (video.CodecName, video.Width, video.Height));
        // As FFmpeg sent it, and as its own MP4 has it.
        Assert.Equal("01000000000a820202020000", Convert.ToHexStringLower(video.Configuration.Span));
        Assert.Equal((10, 1, true), (file.Video.Count, file.Video.Count(f => f.IsKey), file.Video[0].IsKey));
        Assert.All(file.Video, f => Assert.Same(video, f.Track));
    }

    [Theory]
    [InlineData("hevc-aac")]
    [InlineData("av1-opus")]
    [InlineData("vp9")]
    [InlineData("avc-ac3")]
    [InlineData("eac3")]
    [InlineData("flac")]
    public void What_is_sent_on_is_read_as_it_came(string capture)
    {
        var file = new EnhancedFile(capture);
        var output = new ArrayBufferWriter<byte>();
        FlvWriter.WriteHeader(output, file.Demuxer.Video is not null, true);
        foreach (var track in new[] { file.Demuxer.Video, file.Demuxer.Audio }.OfType<Track>())
            FlvWriter.WriteConfiguration(output, track, 0);
        foreach (var frame in file.Frames)
            FlvWriter.WriteFrame(output, frame);

        var (reader, demuxer, read) = (new FlvReader(), new FlvDemuxer(file.Frames[0].Decoded), new List<string>());
        ReadOnlyMemory<byte> bytes = output.WrittenMemory;
        while (reader.Read(bytes, out var consumed, out var tag))
        {
            bytes = bytes[consumed..];
            if (demuxer.Read(tag.Type == FlvTagType.Video ? TrackKind.Video : TrackKind.Audio, tag.Timestamp, tag.Body, out var frame, out _) == FlvContent.Frame)
                read.Add(Print(frame));
        }
        Assert.Equal(("", 0L), (demuxer.FaultText, demuxer.Dropped));
        Assert.Equal(file.Frames.Select(f => Print(f)), read);

        static string Print(in Frame frame) =>
            $"{frame.Track.CodecName} {frame.Decoded.Milliseconds}+{frame.CompositionOffset / 90} {frame.Flags & FrameFlags.Key} {Convert.ToHexString(frame.Payload.Span)} {Convert.ToHexString(frame.Track.Configuration.Span)}";
    }
}
