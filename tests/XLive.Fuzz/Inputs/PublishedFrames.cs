using XLive.Fuzz.Engine;
using XLive.Media;

namespace XLive.Fuzz.Inputs;

/// <summary>A publisher's frames as inputs of fuzzers, three bytes each: what it is, how far its time goes on, and what is wrong with it.</summary>
internal sealed class PublishedFrames
{
    public static readonly string[] Tokens = ["\u0080\u0028\0", "\0\u0028\0", "\u0040\u0015\0", "\u00f0\u00ff\0", "\u0001\u00ff\u0010"];

    private static readonly DateTimeOffset Epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly Track[] Tracks =
    [
        Video("014d401fffe10017674d401feca02802dd808800001f480007530078c18cb001000568ebe3cb20"),
        Video("0142c00cffe100196742c00cd901419f9f011000000300100000030320f142a48001000568cb83cb20"),
        Audio("1190"),
        Audio("2b118800"),
    ];

    private readonly byte[] _payload = new byte[64 * 1024];

    /// <summary>When the frame came that is being taken.</summary>
    public DateTimeOffset Now { get; private set; }

    private static Track Video(string hex) => Media.Codecs.AvcConfiguration.TryRead(Convert.FromHexString(hex), out var track, out _) ? track! : throw new FormatException(hex);

    private static Track Audio(string hex) => Media.Codecs.AacConfiguration.TryRead(Convert.FromHexString(hex), out var track, out _) ? track! : throw new FormatException(hex);

    public static string Generate(Dice dice)
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
        return Fuzzer.Latin([.. bytes]);
    }

    public void Play(byte[] input, Action<Frame> write, Action pause)
    {
        Now = Epoch;
        var time = 0L;
        for (var at = 0; at + 2 < input.Length; at += 3)
        {
            var (what, step, wrong) = (input[at], input[at + 1], input[at + 2]);
            Now += TimeSpan.FromMilliseconds(step);
            time += step;
            if ((wrong & 0x0F) == 1)
                time += (sbyte)step * 300L;
            if ((wrong & 0x0F) == 2)
                pause();
            var track = Tracks[((what >> 5) & 2) | (what & 1)];
            // A clock of its own, now and then.
            var own = (wrong & 0x0F) == 3 ? time + 3_600_000 : time;
            write(new Frame(track, Timestamp.FromMilliseconds(own), (wrong >> 4) * 900, (what & 0x80) != 0 || !track.IsVideo ? FrameFlags.Key : FrameFlags.None, Payload(track, what, wrong)));
        }
        pause();
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
}
