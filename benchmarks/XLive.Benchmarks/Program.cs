using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace XLive.Benchmarks;

/// <summary>Runs the benchmarks whose name has one of the words given, or all. Markdown goes to standard output, the rest to standard error.</summary>
public static class Program
{
    public static int Main(string[] words)
    {
        var config = ManualConfig.CreateEmpty()
            .AddLogger(new StreamLogger(new StreamWriter(Console.OpenStandardError()) { AutoFlush = true }))
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddDiagnoser(MemoryDiagnoser.Default)
            // In this process: the benchmark's own build would go where the server's lies.
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithClock(new ThreadClock())
                .WithIterationTime(TimeInterval.FromMilliseconds(100)).WithWarmupCount(8).WithIterationCount(15))
            .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "xlive-benchmarks-" + Environment.ProcessId));
        Console.WriteLine("Processor time of the measuring thread. What else runs on the machine empties the caches and only ever adds: the");
        Console.WriteLine("least of 15 rounds of 0.1 s is nearest to the program's own cost.");
        Console.WriteLine();
        var failed = false;
        foreach (var type in new[] { typeof(GateBenchmarks), typeof(CidrBenchmarks), typeof(PlaylistBenchmarks) })
        {
            if (words.Length > 0 && !words.Any(w => type.Name.Contains(w, StringComparison.OrdinalIgnoreCase)))
                continue;
            var summary = BenchmarkRunner.Run(type, config);
            Console.WriteLine($"| {type.Name.Replace("Benchmarks", "", StringComparison.Ordinal)} | median | mean | least | allocated |");
            Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
            foreach (var report in summary.Reports)
            {
                var descriptor = report.BenchmarkCase.Descriptor.WorkloadMethodDisplayInfo.Trim('\'');
                var name = report.BenchmarkCase.HasParameters ? $"{descriptor}, {Words(report.BenchmarkCase.Parameters[0])}" : descriptor;
                if (report.ResultStatistics is not { } statistics)
                {
                    failed = true;
                    Console.WriteLine($"| {name} | failed | | | |");
                    continue;
                }
                var allocated = report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {name} | {Time(statistics.Median)} | {Time(statistics.Mean)} | {Time(statistics.Min)} | {allocated} B |"));
            }
            Console.WriteLine();
        }
        return failed ? 1 : 0;
    }

    private static string Words(BenchmarkDotNet.Parameters.ParameterInstance parameter) =>
        string.Create(CultureInfo.InvariantCulture, $"{parameter.Value:N0} {parameter.Name.ToLowerInvariant()}");

    private static string Time(double nanoseconds) => nanoseconds < 10_000
        ? nanoseconds.ToString("0", CultureInfo.InvariantCulture) + " ns"
        : (nanoseconds / 1000).ToString("0.0", CultureInfo.InvariantCulture) + " µs";
}
