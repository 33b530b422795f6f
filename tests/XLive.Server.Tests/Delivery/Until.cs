using System.Diagnostics;

namespace XLive.Server.Tests.Delivery;

/// <summary>Waits for what must come, and fails when it does not: no test sleeps for luck.</summary>
public static class Until
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static void True(Func<bool> holds, string what, TimeSpan? within = null)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            if (clock.Elapsed > (within ?? Patience))
                Assert.Fail("did not come to pass: " + what);
            Thread.Sleep(10);
        }
    }

    public static void Equal<T>(T wanted, Func<T> actual, string what, TimeSpan? within = null)
    {
        var last = actual();
        True(() => EqualityComparer<T>.Default.Equals(last = actual(), wanted), $"{what}: wanted {wanted}, last seen {last}", within);
    }

    /// <summary>Asks again until the answer is the right one; the last, where it never is.</summary>
    public static async Task<T> Some<T>(Func<ValueTask<T>> ask, Func<T, bool> isRight)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var answer = await ask();
            if (isRight(answer) || clock.Elapsed > Patience)
                return answer;
            await Task.Delay(20);
        }
    }
}
