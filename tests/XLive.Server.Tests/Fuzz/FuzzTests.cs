using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using XLive.Fuzz.Engine;

namespace XLive.Server.Tests.Fuzz;

/// <summary>
/// A share of `./bench fuzz`: the same inputs each time and others each time. XLIVE_FUZZ_SEED repeats a run. What once failed lies in
/// tests/XLive.Fuzz/Seeds and is tried first.
/// </summary>
public sealed partial class FuzzTests(ITestOutputHelper output)
{
    private const int Inputs = 5_000;
    private const ulong Always = 20_260_101;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(3);

    public static TheoryData<string> Names => [.. Fuzzers.All.Select(make => make().Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Whatever_comes(string name)
    {
        var fresh = ulong.TryParse(Environment.GetEnvironmentVariable("XLIVE_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given) ? given : (ulong)Random.Shared.Next();
        foreach (var seed in (ulong[])[Always, fresh])
        {
            var run = new Campaign(Fuzzers.Named(name)!, seed).Run(Inputs, longest: Longest);
            output.WriteLine($"XLIVE_FUZZ_SEED={seed}: {run.Inputs} inputs, {run.Accepted} accepted");
            Assert.True(run.Findings.Count == 0, string.Join('\n', run.Findings));
            // All refused, or none: then the fuzzer is no use.
            if (run.Inputs >= 500)
                Assert.InRange(run.Accepted, run.Inputs / 50, run.Inputs - (run.Inputs / 50));
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_kept(string name)
    {
        var fuzzer = Fuzzers.Named(name)!();
        foreach (var (seed, text) in Seeds.Of(name))
        {
            try
            {
                output.WriteLine($"{seed}: {(fuzzer.Try(text) ? "accepted" : "refused")}");
            }
            catch (Exception fault)
            {
                throw new InvalidOperationException(seed, fault);
            }
        }
        (fuzzer as IDisposable)?.Dispose();
    }

    [Fact]
    public void Every_seed_is_somebodys() =>
        Assert.Equal(typeof(Seeds).Assembly.GetManifestResourceNames().Count(static n => n.Contains('/')), Fuzzers.All.Sum(make => Seeds.Of(make().Name).Count));

    [Fact]
    public void An_input_can_be_made_again()
    {
        foreach (var make in Fuzzers.All)
        {
            var (one, other) = (make(), make());
            var first = Enumerable.Range(0, 200).Select(i => one.Make(7, i)).ToArray();
            // By another instance, from the last to the first.
            Assert.Equal(first, Enumerable.Range(0, 200).Select(i => other.Make(7, 199 - i)).Reverse());
            Assert.NotEqual(first, Enumerable.Range(0, 200).Select(i => one.Make(8, i)));
            (one as IDisposable)?.Dispose();
            (other as IDisposable)?.Dispose();
        }
    }

    [Theory]
    [InlineData("none", "")]
    [InlineData("throws", "IndexOutOfRangeException")]
    [InlineData("allocates", "bytes allocated")]
    [InlineData("lingers", " ms for an input")]
    [InlineData("lies", "by another reading")]
    public void A_parser_with_a_fault_is_found(string flaw, string found)
    {
        var run = new Campaign(() => new Flawed(flaw), 1).Run(300);
        if (found.Length == 0)
            Assert.Empty(run.Findings);
        else
            Assert.Contains(found, Assert.IsType<Finding>(run.Findings[0]).ToString());
    }

    [Fact]
    public unsafe void Behind_a_guarded_buffer_nothing_can_be_read()
    {
        using var buffer = new GuardedBuffer<byte>();
        var bytes = buffer.Put("abc"u8);
        fixed (byte* first = bytes)
        {
            // The kernel says EFAULT where a program would be ended.
            var descriptor = Create("guarded", 0);
            Assert.Equal(3, Write(descriptor, first, 3));
            Assert.Equal(-1, Write(descriptor, first + 3, 1));
            Assert.Equal(14, Marshal.GetLastPInvokeError());
            Assert.Equal(0, Close(descriptor));
        }
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Create(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint Write(int descriptor, byte* bytes, nint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);

    /// <summary>Takes what ends in a digit, but for its flaw at every hundredth input or so.</summary>
    private sealed class Flawed(string flaw) : Fuzzer<string>
    {
        private byte[] _kept = [];

        public override string Name => "flawed";

        public override string Target => "a flaw";

        protected override string[] Tokens { get; } = ["0", "1", "x"];

        protected override string Generate(Dice dice) => dice.Below(1000).ToString(CultureInfo.InvariantCulture);

        protected override string Read(string input) => input;

        protected override bool Parse(string input)
        {
            if (input.Contains('7'))
            {
                if (flaw == "throws")
                    return input[input.Length] == 'x';
                if (flaw == "allocates")
                    _kept = new byte[1 << 20];
                if (flaw == "lingers")
                {
                    var begun = Stopwatch.GetTimestamp();
                    while (Stopwatch.GetElapsedTime(begun).TotalMilliseconds < 1.5)
                        GC.KeepAlive(_kept);
                }
            }
            return input.Length > 0 && char.IsAsciiDigit(input[^1]) && !(flaw == "lies" && input.Contains('7'));
        }

        protected override void Verify(string input, bool accepted) =>
            FuzzFailure.Equal(input.Length > 0 && input[^1] is >= '0' and <= '9', accepted, "taken");
    }
}
