using System.Collections.Concurrent;
using XLive.Fuzz.Books;

namespace XLive.Server.Tests.Storage;

/// <summary>A life for each n: its n-th call of a kind fails.</summary>
internal static class FailingCalls
{
    /// <param name="life">True when the call came.</param>
    public static void Each(
        ITestOutputHelper output, int most, (DiskCall Call, DiskFault Fault, bool Dies)[] faults, Func<DiskCall, DiskFault, int, bool, bool> life)
    {
        foreach (var (call, fault, dies) in faults)
        {
            var failures = new ConcurrentBag<(int N, string Said)>();
            var failed = 0;
            Parallel.For(1, most + 1, n =>
            {
                try
                {
                    if (life(call, fault, n, dies))
                        Interlocked.Increment(ref failed);
                }
                catch (Exception e)
                {
                    failures.Add((n, e.ToString()));
                }
            });
            output.WriteLine($"{call} {fault}{(dies ? ", dies" : "")}: {failed}");
            Assert.True(failures.IsEmpty, $"{call} {fault}{(dies ? ", dies" : "")}, {failures.Count}\n"
                + string.Join('\n', failures.OrderBy(f => f.N).Take(3).Select(f => $"{f.N}: {f.Said}")));
            Assert.Equal(most, failed);
        }
    }
}
