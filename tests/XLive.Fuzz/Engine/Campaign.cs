using System.Diagnostics;

namespace XLive.Fuzz.Engine;

/// <summary>An input that broke something, and how to make it again.</summary>
public sealed record Finding(string Fuzzer, ulong Seed, long Index, string Input, Exception Fault)
{
    public override string ToString() =>
        $"{Fuzzer}: seed {Seed}, input {Index}: {Fault.GetType().Name}: {Fault.Message}\n  again: XLIVE_FUZZ_SEED={Seed} ./test Fuzz, or ./bench fuzz --only {Fuzzer} "
        + $"--seed {Seed} --from {Index} --count 1\n  base64: {Convert.ToBase64String(Engine.Fuzzer.Bytes(Input))}\n{Fault.StackTrace}";
}

/// <summary>Sends a fuzzer's inputs, so many and from a seed, over some threads.</summary>
public sealed class Campaign(Func<Fuzzer> make, ulong seed)
{
    private const int MostFindings = 20;
    private const int Batch = 500;

    private readonly Lock _gate = new();
    private readonly List<Finding> _findings = [];
    private long _next;
    private long _end;
    private long _inputs;
    private long _accepted;

    public IReadOnlyList<Finding> Findings => _findings;

    public long Inputs => _inputs;

    public long Accepted => _accepted;

    public TimeSpan Took { get; private set; }

    public TimeSpan ProcessorTime { get; private set; }

    /// <param name="longest">A test on a busy machine stops there, with fewer inputs.</param>
    public Campaign Run(long count, int threads = 1, long from = 0, TimeSpan? longest = null)
    {
        (_next, _end) = (from, from + count);
        var begun = Stopwatch.GetTimestamp();
        var until = longest is { } time ? begun + (long)(time.TotalSeconds * Stopwatch.Frequency) : long.MaxValue;
        using var process = Process.GetCurrentProcess();
        var before = process.TotalProcessorTime;
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(() => Work(until), 1 << 20)).ToArray();
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        Took = Stopwatch.GetElapsedTime(begun);
        process.Refresh();
        ProcessorTime = process.TotalProcessorTime - before;
        return this;
    }

    private void Work(long until)
    {
        var fuzzer = make();
        try
        {
            while (Stopwatch.GetTimestamp() < until && _findings.Count < MostFindings)
            {
                var at = Interlocked.Add(ref _next, Batch) - Batch;
                var end = Math.Min(at + Batch, _end);
                if (at >= end)
                    return;
                long accepted = 0;
                for (var index = at; index < end; index++)
                    accepted += TryOne(fuzzer, index) ? 1 : 0;
                Interlocked.Add(ref _inputs, end - at);
                Interlocked.Add(ref _accepted, accepted);
            }
        }
        finally
        {
            (fuzzer as IDisposable)?.Dispose();
        }
    }

    private bool TryOne(Fuzzer fuzzer, long index)
    {
        var input = fuzzer.Make(seed, index);
        try
        {
            return fuzzer.Try(input);
        }
        catch (Exception fault)
        {
            lock (_gate)
            {
                if (_findings.Count < MostFindings)
                    _findings.Add(new Finding(fuzzer.Name, seed, index, input, fault));
            }
            return false;
        }
    }
}
