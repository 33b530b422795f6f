using System.Diagnostics;

namespace XLive.Fuzz.Forgery;

/// <summary>
/// Does it take another time? As dudect has it (Reparaz, Balasch, Verbauwhede 2017): two kinds of input in random order, Welch's t over
/// the times, over all of them and over the quickest 95, 90, 75, 50 and 25 of a hundred, since what else runs on the machine only adds.
/// Beyond 4.5 in any of these the two can be told apart.
/// </summary>
public static class TimingTest
{
    public const double Leak = 4.5;

    private static readonly double[] Shares = [1, 0.95, 0.9, 0.75, 0.5, 0.25];

    /// <param name="prepare">Puts the input of the kind (false, true) where <paramref name="measured"/> will find it; its time does not count.</param>
    public static TimingResult Run(int samples, ulong seed, Action<bool> prepare, Action measured)
    {
        var dice = new Engine.Dice(seed);
        var times = new long[samples];
        var kinds = new bool[samples];
        var warm = Math.Min(samples, 20_000);
        for (var i = -warm; i < samples; i++)
        {
            var kind = (dice.Next() >> 40 & 1) != 0;
            prepare(kind);
            var begun = Stopwatch.GetTimestamp();
            measured();
            var took = Stopwatch.GetTimestamp() - begun;
            if (i >= 0)
                (times[i], kinds[i]) = (took, kind);
        }
        var sorted = times.ToArray();
        Array.Sort(sorted);
        var values = Shares.Select(share => Welch(times, kinds, sorted[(int)((samples - 1) * share)])).ToArray();
        return new TimingResult(sorted[samples / 2] * 1e9 / Stopwatch.Frequency, values.MaxBy(static v => Math.Abs(v.T)).T, values[2].T, values[2].Difference * 1e9 / Stopwatch.Frequency);
    }

    /// <param name="longest">Longer times are left out, of both kinds alike.</param>
    private static (double T, double Difference) Welch(long[] times, bool[] kinds, long longest)
    {
        Span<double> n = [0, 0], mean = [0, 0], squares = [0, 0];
        for (var i = 0; i < times.Length; i++)
        {
            if (times[i] > longest)
                continue;
            var kind = kinds[i] ? 1 : 0;
            var off = times[i] - mean[kind];
            mean[kind] += off / ++n[kind];
            squares[kind] += off * (times[i] - mean[kind]);
        }
        var error = Math.Sqrt((squares[0] / (n[0] - 1) / n[0]) + (squares[1] / (n[1] - 1) / n[1]));
        return (error == 0 ? 0 : (mean[0] - mean[1]) / error, mean[0] - mean[1]);
    }
}

/// <param name="Median">Nanoseconds, of both kinds.</param>
/// <param name="Worst">The t that is furthest from 0.</param>
/// <param name="At90">The t over the quickest 90 of a hundred, the one that was chosen beforehand.</param>
/// <param name="Difference">Nanoseconds between the means, over the same.</param>
public sealed record TimingResult(double Median, double Worst, double At90, double Difference)
{
    public bool CanBeTold => Math.Abs(Worst) > TimingTest.Leak;

    /// <summary>How often chance alone would part the two as far (two-sided; with so many samples t is normal).</summary>
    public double Probability => ErrorComplement(Math.Abs(At90) / Math.Sqrt(2));

    // Abramowitz and Stegun 7.1.26: to 1.5e-7.
    private static double ErrorComplement(double x)
    {
        var t = 1 / (1 + (0.3275911 * x));
        return t * (0.254829592 + (t * (-0.284496736 + (t * (1.421413741 + (t * (-1.453152027 + (t * 1.061405429)))))))) * Math.Exp(-x * x);
    }
}
