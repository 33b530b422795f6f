using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Forgery;

/// <summary>So many forgeries of a kind, over some threads.</summary>
public static class ForgeryRun
{
    private const int Batch = 1000;

    // A token's text may be right and its signature another: only what nobody can make another of is asked whether it was lost.
    private const int LostSample = 97;

    /// <param name="asksForLost">The texts have one signature, so that whoever says what was signed must be let in.</param>
    public static Tally Run(Func<IForgery> make, long count, ulong seed, int threads, bool asksForLost = true)
    {
        var all = new Tally();
        long next = 0;
        var gate = new Lock();
        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(Work, 1 << 20)).ToArray();
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        return all;

        void Work()
        {
            var forgery = make();
            var tally = new Tally();
            for (long at; (at = Interlocked.Add(ref next, Batch) - Batch) < count;)
            {
                for (var index = at; index < Math.Min(at + Batch, count); index++)
                    One(forgery, tally, Dice.For(forgery.Name, seed, index), asksForLost && index % LostSample == 0);
            }
            (forgery as IDisposable)?.Dispose();
            lock (gate)
                all.Add(tally);
        }
    }

    private static void One(IForgery forgery, Tally tally, Dice dice, bool asksForLost)
    {
        string forged, from;
        Trick trick;
        // A change that changes nothing is none.
        do
            forged = forgery.Forge(dice, out from, out trick);
        while (forged == from);
        bool accepted;
        try
        {
            accepted = forgery.Accepts(forged);
        }
        catch (Exception fault)
        {
            tally.Forge($"{forged} ({fault.GetType().Name}: {fault.Message})", from);
            return;
        }
        tally.Count(trick, accepted);
        if (accepted && !forgery.SaysWhatWasSigned(forged))
            tally.Forge(forged, from);
        else if (!accepted && asksForLost && forgery.SaysWhatWasSigned(forged))
            tally.Lose(forged, from);
    }
}
