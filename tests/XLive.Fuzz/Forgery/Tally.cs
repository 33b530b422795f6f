namespace XLive.Fuzz.Forgery;

/// <summary>What became of the forgeries of one kind, by trick.</summary>
public sealed class Tally
{
    private const int MostShown = 10;

    private readonly long[] _tried = new long[Enum.GetValues<Trick>().Length];
    private readonly long[] _same = new long[Enum.GetValues<Trick>().Length];
    private readonly List<string> _forged = [];
    private readonly List<string> _lost = [];

    public long Tried => _tried.Sum();

    /// <summary>Changed, and granted what the right one is granted, as it says nothing else: another spelling, an unsigned parameter.</summary>
    public long Same => _same.Sum();

    public long Forged { get; private set; }

    /// <summary>Refused though it says the same. No hole, but a viewer turned away.</summary>
    public long Lost { get; private set; }

    public IReadOnlyList<string> Examples => [.. _forged.Select(static f => "forged: " + f), .. _lost.Select(static l => "lost: " + l)];

    public long TriedBy(Trick trick) => _tried[(int)trick];

    public long SameBy(Trick trick) => _same[(int)trick];

    public void Count(Trick trick, bool same)
    {
        _tried[(int)trick]++;
        if (same)
            _same[(int)trick]++;
    }

    public void Forge(string text, string from)
    {
        Forged++;
        if (_forged.Count < MostShown)
            _forged.Add($"{text}   from   {from}");
    }

    public void Lose(string text, string from)
    {
        Lost++;
        if (_lost.Count < MostShown)
            _lost.Add($"{text}   from   {from}");
    }

    public void Add(Tally other)
    {
        for (var i = 0; i < _tried.Length; i++)
        {
            _tried[i] += other._tried[i];
            _same[i] += other._same[i];
        }
        Forged += other.Forged;
        Lost += other.Lost;
        _forged.AddRange(other._forged.Take(MostShown - _forged.Count));
        _lost.AddRange(other._lost.Take(MostShown - _lost.Count));
    }
}
