using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace XLive.Fuzz.Engine;

/// <summary>
/// One parser under fire. An input is a text of bytes (a character each, Latin-1), made by the grammar and then, mostly, damaged.
/// An instance belongs to one thread: its buffers are used again.
/// </summary>
public abstract class Fuzzer
{
    public abstract string Name { get; }

    /// <summary>What is tried, for the table.</summary>
    public abstract string Target { get; }

    protected abstract string[] Tokens { get; }

    /// <summary>Undamaged inputs that the parser should take, most of them.</summary>
    protected abstract string Generate(Dice dice);

    protected virtual bool Damages(Dice dice) => !dice.OneIn(4);

    /// <summary>True: taken. False: refused as documented. An exception: a fault.</summary>
    public abstract bool Try(string input);

    public string Make(ulong seed, long index)
    {
        var dice = Dice.For(Name, seed, index);
        var kept = Seeds.Of(Name);
        var text = kept.Count > 0 && dice.OneIn(16) ? kept[dice.Below(kept.Count)].Text : Generate(dice);
        if (!Damages(dice))
            return text.Length <= Mutator.Longest ? text : text[..Mutator.Longest];
        return Mutator.Mutate(text, dice, Tokens, dice.OneIn(4) ? Generate(dice) : text);
    }

    public static string Latin(ReadOnlySpan<byte> bytes) => Encoding.Latin1.GetString(bytes);

    public static byte[] Bytes(string latin) => Encoding.Latin1.GetBytes(latin);

    /// <summary>As a header or a path reaches the parser: UTF-8 read, with U+FFFD for what is none.</summary>
    public static string Wide(string latin) => Ascii.IsValid(latin) ? latin : Encoding.UTF8.GetString(Bytes(latin));
}

/// <summary>Keeps the reading of the input, which costs what it costs, apart from the parsing, which is held to its bounds.</summary>
public abstract class Fuzzer<T> : Fuzzer
{
    /// <summary>What may be allocated for a byte of input. A parser that needs more says why where it overrides this.</summary>
    protected virtual int AllocationTimes => 4;

    /// <summary>And beyond that; asked for after the parsing, so it may go by what came out.</summary>
    protected virtual long AllocationRoom => 64 << 10;

    /// <summary>For each KiB begun.</summary>
    protected virtual TimeSpan Patience => TimeSpan.FromMilliseconds(1);

    /// <summary>The input as the parser takes it, in a buffer that ends at a page without access where it takes a span.</summary>
    protected abstract T Read(string input);

    /// <summary>The parser and nothing else.</summary>
    protected abstract bool Parse(T input);

    /// <summary>Is what came out right? Asked of a second reading, written differently.</summary>
    protected abstract void Verify(T input, bool accepted);

    public sealed override bool Try(string input)
    {
        var read = Read(input);
        var patience = Patience * ((input.Length / 1024) + 1);
        var accepted = Measured(read, out var allocated, out var took);
        var room = AllocationRoom + ((long)AllocationTimes * input.Length);
        // A compilation, a collection or another process may have fallen into the first try; none falls into the best of twenty.
        for (var again = 0; again < 20 && (allocated > room || took > patience); again++)
        {
            FuzzFailure.Equal(accepted, Measured(read, out var allocatedAgain, out var tookAgain), "tried again");
            allocated = Math.Min(allocated, allocatedAgain);
            took = tookAgain < took ? tookAgain : took;
        }
        if (allocated > room)
            throw new FuzzFailure(string.Create(CultureInfo.InvariantCulture, $"{allocated} bytes allocated for an input of {input.Length}; {room} are allowed"));
        if (took > patience)
            throw new FuzzFailure(string.Create(CultureInfo.InvariantCulture, $"{took.TotalMilliseconds} ms for an input of {input.Length}; {patience.TotalMilliseconds} are allowed"));
        Verify(read, accepted);
        return accepted;
    }

    private bool Measured(T input, out long allocated, out TimeSpan took)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var begun = Stopwatch.GetTimestamp();
        var accepted = Parse(input);
        took = Stopwatch.GetElapsedTime(begun);
        allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return accepted;
    }
}
