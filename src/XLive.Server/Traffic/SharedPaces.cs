namespace XLive.Server.Traffic;

/// <summary>The paces that a viewer shares with others, as the settings say just now.</summary>
public abstract class SharedPaces
{
    public abstract Pace[] Current { get; }
}
