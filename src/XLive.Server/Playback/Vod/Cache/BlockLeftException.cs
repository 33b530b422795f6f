namespace XLive.Server.Playback.Vod.Cache;

/// <summary>Nobody seemed to want this block any more, so it is not coming: whoever does takes another.</summary>
internal sealed class BlockLeftException() : Exception("the block is not coming: nobody read on");
