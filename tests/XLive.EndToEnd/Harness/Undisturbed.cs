namespace XLive.EndToEnd.Harness;

/// <summary>Tests with a bar in time or processor time: nothing else runs meanwhile, or it would be the others that are measured.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Undisturbed
{
    public const string Name = "undisturbed";
}
