using System.Buffers;
using System.Net;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>Frames whose bytes say which they are: 25 pictures a second, each tenth a key, and a sound beside each.</summary>
internal sealed class Film(Random random)
{
    private int _number;

    public static readonly Track Video = new()
    {
        Kind = TrackKind.Video, Codec = Codec.H264, Configuration = new byte[] { 1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 0 }, CodecName = "avc1.64001f", Width = 640, Height = 360, FrameRate = 25,
    };

    public static readonly Track Audio = new()
    {
        Kind = TrackKind.Audio, Codec = Codec.Aac, Configuration = new byte[] { 0x11, 0x90 }, CodecName = "mp4a.40.2", SampleRate = 48_000, Channels = 2,
    };

    public static readonly Track Hevc = new()
    {
        Kind = TrackKind.Video, Codec = Codec.Hevc, Configuration = new byte[] { 1, 2, 3 }, CodecName = "hvc1.1.6.L60.90", Width = 640, Height = 360,
    };

    public static readonly Track Opus = new()
    {
        Kind = TrackKind.Audio, Codec = Codec.Opus, Configuration = new byte[] { 4, 5 }, CodecName = "Opus", SampleRate = 48_000, Channels = 2,
    };

    public static readonly Publisher Somebody = new("key-1", IPAddress.Loopback, "test", "");

    /// <summary>Somebody begins, and has told what his tracks are.</summary>
    public static Publication Publish(TestServer server, in StreamName name)
    {
        var turn = server.Get<LiveStreams>().TryPublish(name, Somebody, out var refusal);
        Assert.True(turn is not null, refusal);
        turn.Announce(Video, turn.Begin);
        turn.Announce(Audio, turn.Begin);
        return turn;
    }

    /// <summary>He begins, or comes back, with these tracks, and a frame of each.</summary>
    public static Publication Publish(TestServer server, in StreamName name, params Track[] tracks)
    {
        var turn = server.Get<LiveStreams>().TryPublish(name, Somebody, out var refusal);
        Assert.True(turn is not null, refusal);
        foreach (var track in tracks)
            turn.Announce(track, turn.Begin);
        foreach (var track in tracks)
            turn.Publish(new Frame(track, turn.Begin, 0, FrameFlags.Key, new byte[] { 6, 7, 8, 9 }));
        return turn;
    }

    public int MostBytes { get; init; } = 20_000;

    public Frame Next(Timestamp begin = default)
    {
        var number = _number++;
        var isVideo = number % 2 == 0;
        var payload = new byte[random.Next(8, MostBytes)];
        BitConverter.TryWriteBytes(payload, number);
        payload.AsSpan(4).Fill((byte)number);
        var flags = !isVideo || number % 20 == 0 ? FrameFlags.Key : FrameFlags.None;
        return new Frame(isVideo ? Video : Audio, begin + (number / 2 * (Timestamp.PerSecond / 25)), 0, flags, payload);
    }

    public static byte[] TagOf(in Frame frame) => Written(WireForm.Flv, frame);

    public static byte[] Written(WireForm form, in Frame frame)
    {
        var written = new ArrayBufferWriter<byte>();
        form.WriteFrame(written, frame);
        return written.WrittenSpan.ToArray();
    }

    /// <summary>What a decoder must know of both tracks.</summary>
    public static byte[] Configurations(WireForm form, Timestamp time)
    {
        var written = new ArrayBufferWriter<byte>();
        form.WriteConfiguration(written, Video, time);
        form.WriteConfiguration(written, Audio, time);
        return written.WrittenSpan.ToArray();
    }

    /// <summary>Which it is, of a video or an audio tag of one.</summary>
    public static int NumberOf(in FlvTag tag) => BitConverter.ToInt32(tag.Body.Span[(tag.Type == FlvTagType.Video ? 5 : 2)..]);
}
