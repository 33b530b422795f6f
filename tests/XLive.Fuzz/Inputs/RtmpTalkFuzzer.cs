using System.Globalization;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Media.Rtmp;

namespace XLive.Fuzz.Inputs;

/// <summary>What one side of RTMP hears behind its handshake: in whatever pieces it comes it comes to the same.</summary>
public abstract class RtmpTalkFuzzer : Fuzzer<Memory<byte>>, IDisposable
{
    private readonly GuardedBuffer<byte> _bytes = new();

    // A command of 30 bytes is an object of AMF, and its answer stands in a buffer that doubles; an exception has its stack.
    protected override int AllocationTimes => 40;

    protected override long AllocationRoom => 768 << 10;

    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(2);

    /// <summary>One side of a new connection, which has shaken hands.</summary>
    /// <param name="Judge">Of each thing that occurred: may it be?</param>
    /// <param name="AnswerTimes">For so many bytes more each byte that comes may be answered.</param>
    protected sealed record Side(RtmpSession Session, Action<RtmpEvent> Judge, int AnswerTimes);

    protected abstract Side Begin(ReadOnlyMemory<byte> input);

    /// <summary>By a new session; the last size is that of all further pieces. False: it was refused.</summary>
    /// <param name="text">What occurred.</param>
    private bool Play(ReadOnlyMemory<byte> input, StringBuilder? text, ReadOnlySpan<int> sizes)
    {
        var side = Begin(input);
        var session = side.Session;
        session.Output.ResetWrittenCount();
        var answered = 0L;
        try
        {
            for (int i = 0, at = 0; at < input.Length; i++)
            {
                var piece = input.Slice(at, Math.Min(sizes[Math.Min(i, sizes.Length - 1)], input.Length - at));
                at += piece.Length;
                while (session.Read(piece, 0, out var consumed, out var occurred))
                {
                    piece = piece[consumed..];
                    side.Judge(occurred);
                    var hash = new HashCode();
                    hash.AddBytes(occurred.Message.Payload.Span);
                    text?.Append(CultureInfo.InvariantCulture, $"{occurred.Kind}@{occurred.Message.Timestamp}:{hash.ToHashCode():x} ");
                }
                answered += session.Output.WrittenCount;
                session.Output.ResetWrittenCount();
                FuzzFailure.Unless(answered <= 4096 + ((long)side.AnswerTimes * at));
            }
            return true;
        }
        catch (RtmpException fault)
        {
            text?.Append(fault.Fault).Append('!');
            return false;
        }
    }

    protected override Memory<byte> Read(string input)
    {
        _bytes.Put(Bytes(input));
        return _bytes.Memory;
    }

    protected override bool Parse(Memory<byte> input) => Play(input, null, [Math.Max(1, input.Length)]);

    protected override void Verify(Memory<byte> input, bool accepted)
    {
        var whole = new StringBuilder();
        FuzzFailure.Equal(accepted, Play(input, whole, [Math.Max(1, input.Length)]), "a second time");
        foreach (var cut in Cuts.Of(input.Length, 5))
            AsWhole([cut, Math.Max(1, input.Length)], $"cut at {cut}");
        foreach (var size in (ReadOnlySpan<int>)[1, 1 + (input.Length % 97)])
            AsWhole([size], $"in pieces of {size}");

        void AsWhole(ReadOnlySpan<int> sizes, FormattableString how)
        {
            var pieces = new StringBuilder();
            Play(input, pieces, sizes);
            FuzzFailure.Equal(whole.ToString(), pieces.ToString(), how.ToString(CultureInfo.InvariantCulture));
        }
    }

    public void Dispose()
    {
        ((IDisposable)_bytes).Dispose();
        GC.SuppressFinalize(this);
    }
}
