using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace XLive.Fuzz.Engine;

/// <summary>A parser did what it must not, other than by an exception of its own.</summary>
public sealed class FuzzFailure(string what) : Exception(what)
{
    public static void Unless([DoesNotReturnIf(false)] bool holds, [CallerArgumentExpression(nameof(holds))] string what = "")
    {
        if (!holds)
            throw new FuzzFailure(what);
    }

    public static void Equal<T>(T expected, T found, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, found))
            throw new FuzzFailure($"{what}: {found}, but by another reading {expected}");
    }

    public static void Same(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found, string what)
    {
        if (!expected.SequenceEqual(found))
            throw new FuzzFailure($"{what}: {Convert.ToHexString(found)}, but by another reading {Convert.ToHexString(expected)}");
    }
}
