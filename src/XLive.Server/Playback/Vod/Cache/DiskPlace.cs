namespace XLive.Server.Playback.Vod.Cache;

/// <summary>Where on disk an object's blocks lie, if they do.</summary>
/// <param name="Purges">How many purges there had been when it was asked for, of this run and those before.</param>
internal sealed record DiskPlace(DiskCache Disk, UInt128 Key, ulong Version, long Purges)
{
    public DiskName NameOf(int index) => new(Key, Version, index);

    /// <summary>The origin has another version, or none.</summary>
    public void Leave() => Disk.Forget(Key);
}
