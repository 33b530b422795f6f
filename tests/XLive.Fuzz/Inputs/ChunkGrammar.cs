using System.Text;
using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Inputs;

/// <summary>Chunks of several messages, interleaved, with all kinds of headers, in either habit of extended timestamps.</summary>
internal sealed class ChunkGrammar(Dice dice)
{
    private sealed class Stream
    {
        public int Id;
        public bool Known;
        public bool Extended;
        public string Field = "";
        public string Left = "";
        public bool Repeats;
    }

    private readonly StringBuilder _text = new();
    private readonly Stream[] _streams = [.. Enumerable.Range(0, 1 + dice.Below(4)).Select(_ => new Stream { Id = Id(dice), Repeats = dice.OneIn(2) })];
    private int _chunkSize = 128;

    public int ChunkSize => _chunkSize;

    private static int Id(Dice dice) => dice.OneIn(6) ? 64 + dice.Below(256) : dice.OneIn(6) ? 320 + dice.Below(60_000) : 3 + dice.Below(6);

    /// <summary>One message; parts of others may come in between.</summary>
    public void Message(int type, uint streamId, string payload)
    {
        var stream = _streams[dice.Below(_streams.Length)];
        Finish(stream);
        Begin(stream, type, streamId, payload);
        while (stream.Left.Length > 0 && !dice.OneIn(6))
            Continue(stream);
    }

    public void SetChunkSize(int size)
    {
        _text.Append("\x02\0\0\0\0\0\x04\x01\0\0\0\0").Append(UInt32((uint)size));
        _chunkSize = size;
    }

    public void Abort() => _text.Append("\x02\0\0\0\0\0\x04\x02\0\0\0\0").Append(UInt32((uint)(3 + dice.Below(6))));

    public override string ToString()
    {
        foreach (var stream in _streams)
            Finish(stream);
        return _text.ToString();
    }

    private void Finish(Stream stream)
    {
        while (stream.Left.Length > 0)
            Continue(stream);
    }

    private void Begin(Stream stream, int type, uint streamId, string payload)
    {
        var format = stream.Known ? dice.Below(3) : 0;
        if (format == 2)
            format = 1; // its length is another
        var time = dice.Below(6) switch { 0 => 0xFFFFFFu, 1 => 0xFFFFFFFF, 2 => (uint)dice.Next(), _ => (uint)dice.Below(5000) };
        stream.Extended = time >= 0xFFFFFF;
        stream.Field = UInt32(time);
        stream.Known = true;
        Basic(format, stream.Id);
        _text.Append(UInt32(Math.Min(time, 0xFFFFFF))[1..]).Append(UInt32((uint)payload.Length)[1..]).Append((char)type);
        if (format == 0)
            _text.Append((char)streamId).Append("\0\0\0");
        if (stream.Extended)
            _text.Append(stream.Field);
        stream.Left = payload;
        Part(stream);
    }

    private void Continue(Stream stream)
    {
        Basic(3, stream.Id);
        if (stream.Extended && stream.Repeats)
            _text.Append(stream.Field);
        Part(stream);
    }

    private void Part(Stream stream)
    {
        var length = Math.Min(_chunkSize, stream.Left.Length);
        _text.Append(stream.Left, 0, length);
        stream.Left = stream.Left[length..];
    }

    private void Basic(int format, int id)
    {
        if (id < 64)
            _text.Append((char)((format << 6) | id));
        else if (id < 320)
            _text.Append((char)(format << 6)).Append((char)(id - 64));
        else
            _text.Append((char)((format << 6) | 1)).Append((char)((id - 64) & 0xFF)).Append((char)((id - 64) >> 8));
    }

    public static string UInt32(uint value) => new([(char)(value >> 24), (char)((value >> 16) & 0xFF), (char)((value >> 8) & 0xFF), (char)(value & 0xFF)]);
}
