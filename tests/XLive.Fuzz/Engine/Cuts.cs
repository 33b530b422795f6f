namespace XLive.Fuzz.Engine;

/// <summary>Where an input is cut in two: a reader that may be given pieces must not care.</summary>
public static class Cuts
{
    private const int Short = 24;

    /// <summary>
    /// Every place of a short one; of a long one so many, at even steps. Where the first is hangs on the length, so that over many inputs every place
    /// of every part of the grammar is one of them.
    /// </summary>
    public static IEnumerable<int> Of(int length, int most)
    {
        var step = length <= Short ? 1 : Math.Max(1, length / most);
        for (var cut = step == 1 ? 1 : 1 + (length % step); cut < length; cut += step)
            yield return cut;
    }
}
