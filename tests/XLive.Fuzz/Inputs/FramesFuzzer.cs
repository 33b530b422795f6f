using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Inputs;

/// <summary>Whatever a publisher's frames become.</summary>
public abstract class FramesFuzzer : Fuzzer<byte[]>
{
    private protected PublishedFrames Frames { get; } = new();

    // A segment has its pages, a playlist its text in two forms, a discontinuity another header: some 10 KiB for as little as a dozen frames of three bytes.
    protected override int AllocationTimes => 4_096;

    protected override long AllocationRoom => 1 << 20;

    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(60);

    protected override string[] Tokens => PublishedFrames.Tokens;

    protected override string Generate(Dice dice) => PublishedFrames.Generate(dice);

    protected override byte[] Read(string input) => Bytes(input);
}
