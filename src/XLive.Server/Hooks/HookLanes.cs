using XLive.Server.Traffic.Reports;

namespace XLive.Server.Hooks;

/// <summary>Which event may be sent next: of each stream the oldest alone, and not before its pause is over. The sender's loop alone uses it.</summary>
internal sealed class HookLanes
{
    private readonly Dictionary<string, Lane> _lanes = new(StringComparer.Ordinal);
    private readonly PriorityQueue<Lane, long> _ready = new();

    public sealed class Lane(string name)
    {
        public string Name => name;
        internal Queue<long> Waiting { get; } = new();
        internal RetryPauses Pauses { get; } = new();
        internal long DueAt { get; set; }

        /// <summary>The event that is being sent, or was, and was not taken; 0: none.</summary>
        public long Head { get; internal set; }
        public bool IsRunning { get; internal set; }
    }

    public int Count => _lanes.Count;

    public int Running { get; private set; }

    public void Add(long sequence, string name)
    {
        if (!_lanes.TryGetValue(name, out var lane))
            _lanes[name] = lane = new Lane(name);
        lane.Waiting.Enqueue(sequence);
        if (!lane.IsRunning && lane.Head == 0 && lane.Waiting.Count == 1)
            _ready.Enqueue(lane, lane.DueAt);
    }

    /// <summary>A lane whose head may be sent now; it is the caller's until <see cref="Done"/> or <see cref="Again"/>.</summary>
    public Lane? Next(long now)
    {
        if (!_ready.TryPeek(out var lane, out var due) || due > now)
            return null;
        _ready.Dequeue();
        if (lane.Head == 0)
            lane.Head = lane.Waiting.Dequeue();
        lane.IsRunning = true;
        Running++;
        return lane;
    }

    /// <summary>When the next may be sent; null: there is none.</summary>
    public long? NextDue => _ready.TryPeek(out _, out var due) ? due : null;

    /// <summary>Its head waits no more.</summary>
    public void Done(Lane lane)
    {
        lane.Pauses.Reset();
        (lane.Head, lane.DueAt) = (0, 0);
        Return(lane);
    }

    /// <summary>Its head was not taken.</summary>
    public void Again(Lane lane, long dueAt)
    {
        lane.DueAt = dueAt;
        Return(lane);
    }

    private void Return(Lane lane)
    {
        lane.IsRunning = false;
        Running--;
        if (lane.Head != 0 || lane.Waiting.Count > 0)
            _ready.Enqueue(lane, lane.DueAt);
        else
            _lanes.Remove(lane.Name);
    }

    /// <summary>The site is back: nobody waits for the end of a pause.</summary>
    public void Release()
    {
        List<Lane> waiting = [.. _ready.UnorderedItems.Select(static i => i.Element)];
        _ready.Clear();
        foreach (var lane in waiting)
        {
            lane.DueAt = 0;
            _ready.Enqueue(lane, 0);
        }
    }

    /// <summary>Others have changed what waits. What is being sent goes on.</summary>
    public void Load(IEnumerable<(long Sequence, string Lane)> all)
    {
        _ready.Clear();
        foreach (var lane in _lanes.Values)
        {
            lane.Waiting.Clear();
            if (!lane.IsRunning)
                lane.Head = 0;
        }
        foreach (var (sequence, name) in all)
        {
            if (!_lanes.TryGetValue(name, out var lane))
                _lanes[name] = lane = new Lane(name);
            if (lane.Head != sequence)
                lane.Waiting.Enqueue(sequence);
        }
        foreach (var lane in _lanes.Values.ToList())
        {
            if (lane.IsRunning)
                continue;
            if (lane.Waiting.Count > 0)
                _ready.Enqueue(lane, lane.DueAt);
            else
                _lanes.Remove(lane.Name);
        }
    }
}
