namespace XLive.Server.Traffic.Counters;

/// <summary>
/// Where slots lie. It never moves, so that a slot's address holds for as long as the process does. Two kinds: a file that is mapped, and,
/// in the model test, memory that loses what a disk would lose.
/// </summary>
internal abstract unsafe class CounterMemory : IDisposable
{
    /// <summary>Slots that may be written to. The first of them lies at <see cref="First"/>.</summary>
    public int Capacity { get; protected set; }

    /// <summary>What it may grow to.</summary>
    public abstract int Most { get; }

    public abstract byte* First { get; }

    /// <summary>Makes room on the disk for so many slots, zeroed. May block. What is wrong, when there is none.</summary>
    public abstract string? Grow(int capacity);

    /// <summary>What was written before this call is on the disk when it returns. May block.</summary>
    /// <exception cref="IOException">
    /// It may not be, and asking again proves nothing: the system has called the pages clean and forgotten them. Then <see cref="Touch"/>.
    /// </exception>
    public abstract void Sync();

    /// <summary>Writes everything again as it is, so that the next sync writes it to the disk.</summary>
    public abstract void Touch();

    public abstract void Dispose();
}
