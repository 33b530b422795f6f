using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Playback.HttpFlv;

namespace XLive.Fuzz.Inputs;

/// <summary>What a viewer's WebSocket sends, cut at every size: the same pings and the same end, however it comes, and nothing behind the end.</summary>
public sealed class ViewerFramesFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private readonly GuardedBuffer<byte> _bytes = new();

    public override string Name => "websocket-frames";

    public override string Target => "`ViewerFrames`";

    protected override string[] Tokens { get; } = ["\u0081\u0080", "\u0082\u00fe", "\u0082\u00ff\0\0\0\0", "\u0089\u0080", "\u0088\u0082", "\u008a\u0080", "\u0002\u0081", "\0\u0081", "\u0080\u0080", "\u00c2", "\0\0\0\0", "\u0003\u00e8"];

    protected override string Generate(Dice dice)
    {
        var text = new StringBuilder();
        var isOpen = false;
        for (var frames = 1 + dice.Below(8); frames > 0; frames--)
        {
            var isControl = dice.OneIn(2);
            var isFinal = isControl || dice.OneIn(2);
            var opcode = isControl ? dice.Pick<int>([8, 9, 9, 10]) : isOpen ? 0 : dice.Pick<int>([1, 2]);
            isOpen = isControl ? isOpen : !isFinal;
            var length = dice.OneIn(20) ? dice.Below(3000) : dice.Below(126);
            text.Append((char)(opcode | (isFinal ? 0x80 : 0)));
            if (length < 126)
                text.Append((char)(0x80 | length));
            else
                text.Append('\u00fe').Append((char)(length >> 8)).Append((char)(length & 0xFF));
            for (var i = 0; i < 4 + length; i++)
                text.Append((char)dice.Below(256));
        }
        return text.ToString();
    }

    protected override Memory<byte> Read(string input)
    {
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    protected override bool Parse(Memory<byte> input) => Play(input.Span, Math.Max(1, input.Length), null);

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        var whole = new StringBuilder();
        FuzzFailure.Equal(accepted, Play(input.Span, Math.Max(1, input.Length), whole), "a second time");
        foreach (var size in (ReadOnlySpan<int>)[1, 2, 7, 1 + (input.Length % 61)])
        {
            var pieces = new StringBuilder();
            FuzzFailure.Equal(accepted, Play(input.Span, size, pieces), "in pieces");
            FuzzFailure.Equal(whole.ToString(), pieces.ToString(), string.Create(CultureInfo.InvariantCulture, $"in pieces of {size}"));
        }
        foreach (var cut in Cuts.Of(input.Length, 12))
        {
            var pieces = new StringBuilder();
            FuzzFailure.Equal(accepted, Play(input.Span, Math.Max(1, input.Length), pieces, cut), "cut");
            FuzzFailure.Equal(whole.ToString(), pieces.ToString(), string.Create(CultureInfo.InvariantCulture, $"cut at {cut}"));
        }
    }

    private static bool Play(ReadOnlySpan<byte> input, int size, StringBuilder? text, int cut = 0)
    {
        var frames = new ViewerFrames();
        for (var at = 0; at < input.Length;)
        {
            var says = frames.Read(input[at..(at < cut ? cut : Math.Min(at + size, input.Length))], out var consumed);
            FuzzFailure.Unless(consumed > 0);
            at += consumed;
            if (says is ViewerSays.Faulty or ViewerSays.TooLong)
            {
                text?.Append(says);
                return false;
            }
            if (says != ViewerSays.Nothing)
                text?.Append(says).Append(Convert.ToHexString(frames.Payload.Span)).Append(' ');
        }
        return true;
    }

    public void Dispose() => ((IDisposable)_bytes).Dispose();
}
