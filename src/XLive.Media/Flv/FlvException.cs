namespace XLive.Media.Flv;

/// <summary>Bytes that are no FLV stream. The only exception of its reader.</summary>
public sealed class FlvException(string message) : FormatException(message);
