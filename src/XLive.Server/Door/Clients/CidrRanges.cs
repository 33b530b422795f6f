using System.Numerics;

namespace XLive.Server.Door.Clients;

internal readonly record struct CidrRange<T>(T First, T Last, int Prefix, CidrDecision Decision);

/// <summary>
/// The whole address space cut into ranges: range i begins at starts[i], ends where the next begins, and decides decisions[i].
/// starts[0] is 0, so every address has a range. Starts and decisions are apart because the search touches only starts.
/// </summary>
internal sealed class CidrRanges<T> where T : struct, IBinaryInteger<T>, IMinMaxValue<T>
{
    public static readonly CidrRanges<T> None = new([T.Zero], [CidrDecision.None]);

    private readonly T[] _starts;
    private readonly CidrDecision[] _decisions;

    private CidrRanges(T[] starts, CidrDecision[] decisions)
    {
        _starts = starts;
        _decisions = decisions;
    }

    public CidrDecision Find(T address)
    {
        T[] from = _starts;
        int low = 0;
        // The number of steps hangs on the size alone; the comparison becomes a conditional move, not a branch to guess.
        for (int length = from.Length; length > 1;)
        {
            int half = length >> 1;
            low = from[low + half] <= address ? low + half : low;
            length -= half;
        }
        return _decisions[low];
    }

    /// <summary>
    /// Sorted by first address and then widest first, each network follows those that hold it. The stack is the chain of
    /// networks open at the present address, the innermost, which decides, on top.
    /// </summary>
    public static CidrRanges<T> Flatten(List<CidrRange<T>> networks)
    {
        if (networks.Count == 0)
            return None;
        // Of equal networks the denied one comes last, and so lies innermost.
        networks.Sort(static (a, b) =>
            a.First != b.First ? a.First.CompareTo(b.First)
            : a.Prefix != b.Prefix ? a.Prefix.CompareTo(b.Prefix)
            : a.Decision.CompareTo(b.Decision));

        var starts = new List<T> { T.Zero };
        var decisions = new List<CidrDecision> { CidrDecision.None };
        var open = new Stack<CidrRange<T>>();
        foreach (CidrRange<T> network in networks)
        {
            while (open.Count > 0 && open.Peek().Last < network.First)
                Close();
            Cut(network.First, network.Decision);
            open.Push(network);
        }
        while (open.Count > 0)
            Close();
        return new CidrRanges<T>([.. starts], [.. decisions]);

        void Close()
        {
            T last = open.Pop().Last;
            if (last != T.MaxValue)
                Cut(last + T.One, open.Count > 0 ? open.Peek().Decision : CidrDecision.None);
        }

        void Cut(T start, CidrDecision decision)
        {
            if (starts[^1] == start)
                decisions[^1] = decision;
            else if (decisions[^1] != decision)
            {
                starts.Add(start);
                decisions.Add(decision);
            }
        }
    }
}
