using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media;
using XLive.Media.Codecs;
using XLive.Media.Flv;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// Messages of enhanced RTMP, each behind its kind and its length: heads with modifiers and several tracks around configurations and frames of every codec. The head
/// is read a second time as a queue of bytes; each frame that comes out is one of its codec.
/// </summary>
public sealed class EnhancedTagFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private readonly GuardedBuffer<byte> _bytes = new();

    public override string Name => "enhanced-tags";

    public override string Target => "`ExTag`, `FlvVideo`, `FlvAudio`";

    // A configuration of 40 bytes is a track with its text; sets within frames are kept one by one.
    protected override int AllocationTimes => 60;

    protected override long AllocationRoom => 256 << 10;

    protected override string[] Tokens { get; } =
    [
        "V\0\x09\x91hvc1\0\0\0", "A\0\x07\x91Opus\xfc", "V\0\x05\x94" + "av01", "\x96\x01", "\x96\x11", "\x96\x21", "\x97\x02\x0f\x42\x3f", "\xff\xff\xff", "hvc1", "av01", "Opus", "fLaC", "ac-3", "ec-3", "vp09", "mp4a", ".mp3", "avc1",
    ];

    protected override string Generate(Dice dice)
    {
        var text = new StringBuilder();
        var (video, audio) = (dice.Below(MediaVectors.Videos.Length), dice.Below(MediaVectors.Audios.Length));
        for (var messages = 1 + dice.Below(8); messages > 0; messages--)
        {
            var isVideo = dice.OneIn(2);
            var vector = isVideo ? MediaVectors.Videos[video] : MediaVectors.Audios[audio];
            var isFirst = dice.OneIn(3);
            var packet = isFirst ? 0 : isVideo ? dice.Pick<int>([1, 1, 3, 3, 2, 4, 5]) : dice.Pick<int>([1, 1, 1, 2, 4]);
            var body = packet switch { 0 => vector.Configuration, 1 when isVideo && vector.Name is not ("av01" or "vp09") => "\0\0\x28" + vector.Frame, 1 or 3 => vector.Frame, _ => "" };
            var message = Message(dice, isVideo, packet, vector.Name, body);
            text.Append(isVideo ? 'V' : 'A').Append(ChunkGrammar.UInt32((uint)message.Length)[2..]).Append(message);
        }
        return text.ToString();
    }

    private static string Message(Dice dice, bool isVideo, int packet, string name, string body)
    {
        var high = isVideo ? 0x80 | (dice.Pick<int>([1, 2, 1, 2, 5]) << 4) : 0x90;
        var tracks = dice.Below(8);
        var outer = tracks < 3 ? (isVideo ? 6 : 5) : packet;
        var head = new StringBuilder();
        var next = outer;
        // From the last to the first, each names what follows it.
        for (var modifiers = dice.OneIn(3) ? dice.Below(4) : 0; modifiers > 0; modifiers--)
        {
            var data = dice.OneIn(8) ? new string('x', dice.Below(300)) : ChunkGrammar.UInt32((uint)dice.Below(1_100_000))[1..];
            data = data.Length == 0 ? "\0" : data;
            var size = data.Length <= 255 ? ((char)(data.Length - 1)).ToString() : "\xff" + ChunkGrammar.UInt32((uint)data.Length - 1)[2..];
            head.Insert(0, size + data + (char)((dice.OneIn(4) ? 16 : 0) | next));
            next = 7;
        }
        head.Insert(0, (char)(high | next));
        if (tracks >= 3)
            return head.Append(name).Append(body).ToString();
        head.Append((char)((tracks << 4) | packet));
        if (tracks < 2)
            head.Append(name);
        if (tracks == 0)
            return head.Append((char)(dice.OneIn(3) ? 1 : 0)).Append(body).ToString();
        for (var count = 1 + dice.Below(3); count > 0; count--)
        {
            if (tracks == 2)
                head.Append(name);
            head.Append((char)dice.Below(3)).Append(ChunkGrammar.UInt32((uint)body.Length)[1..]).Append(body);
        }
        return head.ToString();
    }

    protected override Memory<byte> Read(string input)
    {
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    protected override bool Parse(Memory<byte> input) => Play(input, check: false);

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        FuzzFailure.Equal(accepted, Play(input, check: true), "a second time");
        foreach (var (isVideo, message) in Messages(input))
        {
            if (message.IsEmpty || (isVideo ? message.Span[0] < 0x80 : message.Span[0] >> 4 != 9))
                continue;
            for (var track = 0; track < 3; track++)
            {
                var isRead = ExTag.TryRead(message, isVideo, track, out var tag, out _);
                var found = !isRead ? null : tag.HasTrack
                    ? string.Create(CultureInfo.InvariantCulture, $"{tag.Packet} {tag.Name:x8} {tag.Nanoseconds} +{tag.Others} {Latin(tag.Body.Span)}")
                    : string.Create(CultureInfo.InvariantCulture, $"nothing +{tag.Others}");
                FuzzFailure.Equal(Second(isVideo, (uint)track, new Queue<byte>(message.ToArray())), found, "the head");
                FuzzFailure.Equal(isRead && tag.HasTrack, isRead && (tag.Tracks >> track & 1) != 0, "the ids");
            }
        }
    }

    private static IEnumerable<(bool IsVideo, ReadOnlyMemory<byte> Message)> Messages(ReadOnlyMemory<byte> input)
    {
        for (var at = 0; at + 3 <= input.Length;)
        {
            var length = Math.Min((input.Span[at + 1] << 8) | input.Span[at + 2], input.Length - at - 3);
            yield return (input.Span[at] % 2 == 0, input.Slice(at + 3, length));
            at += 3 + length;
        }
    }

    /// <returns>Whether any frame came of it.</returns>
    private static bool Play(ReadOnlyMemory<byte> input, bool check)
    {
        var (video, other, audio, frames) = (new FlvVideo(), new FlvVideo(track: 1), new FlvAudio(), 0);
        for (var at = 0; at + 3 <= input.Length;)
        {
            var length = Math.Min((input.Span[at + 1] << 8) | input.Span[at + 2], input.Length - at - 3);
            var isVideo = input.Span[at] % 2 == 0;
            var message = input.Slice(at + 3, length);
            at += 3 + length;
            var content = isVideo ? video.Read(message, default, out var frame, out var fault) : audio.Read(message, default, out frame, out fault);
            FuzzFailure.Equal(content == FlvContent.Dropped, fault != FlvFault.None, "a fault");
            if (isVideo && other.Read(message, default, out var second, out _) == FlvContent.Frame)
            {
                FuzzFailure.Unless((FlvTracks.OfVideo(message) & 2) != 0);
                if (check)
                    Check(second, other.Track, isVideo);
            }
            if (content != FlvContent.Frame)
                continue;
            frames++;
            if (check)
                Check(frame, isVideo ? video.Track : audio.Track, isVideo);
        }
        return frames > 0;
    }

    private static void Check(in Frame frame, Track? track, bool isVideo)
    {
        FuzzFailure.Unless(ReferenceEquals(frame.Track, track) && track.IsVideo == isVideo && frame.Payload.Length > 0);
        var payload = frame.Payload.Span;
        switch (track.Codec)
        {
            case Codec.H264 or Codec.Hevc:
                var units = new NalUnits(payload);
                while (units.MoveNext())
                    FuzzFailure.Unless(NalUses.Of(track.Codec, units.Current) != NalUse.ParameterSet);
                FuzzFailure.Unless(!units.IsBroken);
                break;
            case Codec.Av1:
                var pieces = new Obus(payload);
                while (pieces.MoveNext())
                    FuzzFailure.Unless(pieces.Type != ObuType.TemporalDelimiter);
                FuzzFailure.Unless(!pieces.IsBroken);
                break;
            case Codec.Vp9:
                FuzzFailure.Unless(Vp9Header.TryRead(payload, out var header, out _) && header.IsKey == frame.IsKey && track.Width > 0 && track.Height > 0);
                break;
            case Codec.Opus:
                FuzzFailure.Unless(OpusConfiguration.SamplesOf(payload) is > 0 and <= 5760);
                break;
            case Codec.Flac:
                FuzzFailure.Unless(FlacConfiguration.SamplesOf(payload) is > 0 and <= 65536);
                break;
        }
    }

    /// <summary>The specification's own pseudo code, with a queue that ends where the message does.</summary>
    private static string? Second(bool isVideo, uint track, Queue<byte> rest)
    {
        var body = "";
        try
        {
            uint Take(int bytes)
            {
                uint value = 0;
                for (; bytes > 0; bytes--)
                    value = (value * 256) + rest.Dequeue();
                return value;
            }
            string Bytes(uint count)
            {
                var text = new StringBuilder();
                for (; count > 0; count--)
                    text.Append((char)rest.Dequeue());
                return text.ToString();
            }
            var packet = Take(1) % 16;
            uint nanoseconds = 0;
            while (packet == 7)
            {
                var size = Take(1) + 1;
                if (size == 256)
                    size = Take(2) + 1;
                var data = Bytes(size);
                var next = Take(1);
                packet = next % 16;
                if (next < 16 && size >= 3 && (data[0] * 65536u) + (data[1] * 256u) + data[2] is < 1_000_000 and var told)
                    nanoseconds = told;
            }
            if (packet != (isVideo ? 6 : 5))
            {
                var only = string.Create(CultureInfo.InvariantCulture, $"{packet} {Take(4):x8} {nanoseconds} +0 {Bytes((uint)rest.Count)}");
                return track == 0 ? only : "nothing +1";
            }
            var kind = Take(1);
            (packet, kind) = (kind % 16, kind / 16);
            if (kind > 2 || packet == 7 || packet == (isVideo ? 6 : 5))
                return null;
            var name = kind < 2 ? Take(4) : 0;
            var (found, others) = ("", 0);
            while (rest.Count > 0)
            {
                if (kind == 2)
                    name = Take(4);
                var id = Take(1);
                var size = kind == 0 ? (uint)rest.Count : Take(3);
                if (size > rest.Count)
                    return null;
                body = Bytes(size);
                if (id == track && found.Length == 0)
                    found = string.Create(CultureInfo.InvariantCulture, $"{packet} {name:x8} {nanoseconds} +{{0}} {body}");
                else
                    others++;
            }
            return found.Length == 0 ? string.Create(CultureInfo.InvariantCulture, $"nothing +{others}") : found.Replace("+{0}", "+" + others.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();
}
