namespace XLive.Media.Amf;

/// <summary>
/// The objects and arrays of a message in the order in which they begin: each version counts its own. A reference is three bytes for as much as was read
/// before it, so it is counted with all that it holds.
/// </summary>
internal sealed class AmfReferences(AmfBudget budget)
{
    private readonly List<(AmfValue? Value, int Cost)> _all = [];

    public int Enter()
    {
        budget.Enter();
        _all.Add((null, budget.Values));
        return _all.Count - 1;
    }

    public AmfValue Leave(int index, AmfValue value)
    {
        budget.Leave();
        _all[index] = (value, budget.Values - _all[index].Cost);
        return value;
    }

    public AmfValue At(int index)
    {
        if ((uint)index >= (uint)_all.Count || _all[index].Value is not { } value)
            throw new AmfException("a reference to nothing, or to what holds it");
        budget.Take(_all[index].Cost);
        return value;
    }
}
