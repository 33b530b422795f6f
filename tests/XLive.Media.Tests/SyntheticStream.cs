using System.Buffers.Binary;
using XLive.Media.Codecs;

namespace XLive.Media.Tests;

/// <summary>Frames as a publisher sends them: times in whole milliseconds, payloads of noise, in the order of decoding.</summary>
internal sealed class SyntheticStream
{
    public static readonly Track Video = Avc("014d401fffe10017674d401feca02802dd808800001f480007530078c18cb001000568ebe3cb20");
    public static readonly Track OtherVideo = Avc("0142c00cffe100196742c00cd901419f9f011000000300100000030320f142a48001000568cb83cb20");
    public static readonly Track Aac = Asc("1190");
    public static readonly Track OtherAac = Asc("1210");
    public static readonly Track Mp3 = Mpeg("fffb9464");

    public required Random Random { get; init; }
    public double Fps { get; init; } = 25;
    public double Gop { get; init; } = 2;
    public Func<int, double>? GopAt { get; init; }
    public int BFrames { get; init; }
    public bool HasVideo { get; init; } = true;
    public Track? Audio { get; init; } = Aac;
    public double From { get; init; }
    public double Seconds { get; init; } = 10;
    public int VideoBytes { get; init; } = 2_000;
    public Track VideoTrack { get; init; } = Video;

    public List<Frame> Frames()
    {
        List<Frame> frames = [];
        if (HasVideo)
            AddVideo(frames);
        if (Audio is not null)
            AddAudio(frames, Audio);
        return [.. frames.OrderBy(f => f.Decoded.Ticks).ThenBy(f => f.Track.IsVideo ? 0 : 1)];
    }

    private void AddVideo(List<Frame> frames)
    {
        var nextKey = 0.0;
        var gops = 0;
        var order = 0;
        for (var i = 0; i / Fps < Seconds; i++)
        {
            var isKey = i / Fps >= nextKey - 1e-9;
            if (isKey)
            {
                nextKey = (i / Fps) + (GopAt?.Invoke(gops) ?? Gop);
                gops++;
                order = 0;
            }
            // I P b b P b b: each reference frame is shown after those that came behind it.
            var offset = BFrames == 0 ? 0 : isKey ? 1 : order % (BFrames + 1) == 1 ? BFrames + 1 : 0;
            order++;
            var time = Timestamp.FromMilliseconds((long)((From + (i / Fps)) * 1000));
            var size = Random.Next(1, VideoBytes * 2) * (isKey ? 5 : 1);
            frames.Add(new Frame(VideoTrack, time, (int)(offset * 1000 / Fps) * 90, isKey ? FrameFlags.Key : FrameFlags.None, Units(isKey, size)));
        }
    }

    private void AddAudio(List<Frame> frames, Track track)
    {
        var samples = track.Codec == Codec.Mp3 ? 1152.0 : 1024.0;
        for (var i = 0; i * samples / track.SampleRate < Seconds; i++)
        {
            var payload = new byte[Random.Next(100, 600)];
            Random.NextBytes(payload);
            var time = Timestamp.FromMilliseconds((long)((From + (i * samples / track.SampleRate)) * 1000));
            frames.Add(new Frame(track, time, 0, FrameFlags.Key, payload));
        }
    }

    private byte[] Units(bool isKey, int size)
    {
        // Often a delimiter of the encoder's own, information, and several slices.
        List<byte[]> units = [];
        if (Random.Next(2) == 0)
            units.Add([9, 0x10]);
        if (Random.Next(3) == 0)
            units.Add([6, 5, 1, 0x80]);
        for (var slices = Random.Next(1, 4); slices > 0; slices--)
        {
            var unit = new byte[1 + (size / slices)];
            Random.NextBytes(unit);
            unit[0] = (byte)(isKey ? 0x65 : 0x41);
            units.Add(unit);
        }
        var payload = new byte[units.Sum(u => 4 + u.Length)];
        var at = 0;
        foreach (var unit in units)
        {
            BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(at), unit.Length);
            unit.CopyTo(payload, at + 4);
            at += 4 + unit.Length;
        }
        return payload;
    }

    /// <summary>The frame as a byte stream: what a transport stream has to hold of it.</summary>
    public static byte[] ByteStream(in Frame frame)
    {
        List<byte> bytes = [0, 0, 0, 1, 9, 0xF0];
        if (frame.IsKey)
        {
            var sets = new byte[AvcConfiguration.ParameterSetsLength(frame.Track.Configuration.Span)];
            AvcConfiguration.WriteParameterSets(frame.Track.Configuration.Span, sets);
            bytes.AddRange(sets);
        }
        var units = new NalUnits(frame.Payload.Span);
        while (units.MoveNext())
        {
            if (units.Type == NalUnitType.AccessUnitDelimiter)
                continue;
            bytes.AddRange([0, 0, 0, 1]);
            bytes.AddRange(units.Current);
        }
        return [.. bytes];
    }

    private static Track Avc(string hex) => AvcConfiguration.TryRead(Convert.FromHexString(hex), out var track, out var fault) ? track! : throw new ArgumentException(fault);

    private static Track Asc(string hex) => AacConfiguration.TryRead(Convert.FromHexString(hex), out var track, out var fault) ? track! : throw new ArgumentException(fault);

    private static Track Mpeg(string hex) => Mp3Header.TryRead(Convert.FromHexString(hex), out var track, out var fault) ? track! : throw new ArgumentException(fault);
}
