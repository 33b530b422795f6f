namespace XLive.Server.Storage.Redis;

/// <summary>What came is not RESP, or more of it than anybody asked for. The connection cannot go on.</summary>
public sealed class RespException(string message) : IOException(message);
