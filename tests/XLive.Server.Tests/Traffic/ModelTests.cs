using System.Globalization;
using XLive.Fuzz.Books;

namespace XLive.Server.Tests.Traffic;

/// <summary>A share of `./bench model`: the same lives each time and others each time. XLIVE_MODEL_SEED repeats a run.</summary>
public sealed class ModelTests(ITestOutputHelper output)
{
    private const ulong Always = 20_260_301;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(7);

    [Fact]
    public void Whatever_happens_the_books_agree()
    {
        var fresh = ulong.TryParse(Environment.GetEnvironmentVariable("XLIVE_MODEL_SEED"), CultureInfo.InvariantCulture, out var given) ? given : (ulong)Random.Shared.Next();
        foreach (var seed in (ulong[])[Always, fresh])
        {
            var run = BooksRun.Of(seed, 0, 500, Longest);
            output.WriteLine($"XLIVE_MODEL_SEED={seed}: {run.Lives} lives, {run.Starts} starts, {run.PowerLosses} power failures, {run.FailedCuts} failed cuts, {run.Reports} reports");
            Assert.True(run.Failures.IsEmpty, $"XLIVE_MODEL_SEED={seed}\n" + string.Join('\n', run.Failures.OrderBy(f => f.Number).Take(5).Select(f => $"{f.Number}: {f.Fault}")));
            // Lives in which nothing goes wrong would prove nothing.
            Assert.True(run.PowerLosses > run.Lives / 2 && run.FailedCuts > run.Lives && run.Reports > run.Lives * 2, $"{run.PowerLosses} {run.FailedCuts} {run.Reports} in {run.Lives}");
        }
    }
}
