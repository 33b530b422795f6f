using System.Globalization;

namespace XLive.Fuzz;

/// <summary>--name value, as the commands take them.</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string> _given = [];
    private readonly bool _formed = true;
    private int _asked;

    public Options(string[] args)
    {
        for (var i = 0; i < args.Length; i += 2)
        {
            _formed &= args[i].StartsWith("--", StringComparison.Ordinal) && i + 1 < args.Length;
            if (_formed)
                _given[args[i][2..]] = args[i + 1];
        }
    }

    /// <summary>Once all have been asked for: nothing else was given.</summary>
    public bool AllKnown => _formed && _asked == _given.Count;

    public string? Text(string name)
    {
        if (!_given.TryGetValue(name, out var text))
            return null;
        _asked++;
        return text;
    }

    public long Number(string name, long without) => Text(name) is { } text
        ? long.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)
        : without;
}
