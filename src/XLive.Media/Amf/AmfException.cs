namespace XLive.Media.Amf;

/// <summary>Bytes that are no AMF, or more of it than a message may hold. The only exception of the readers.</summary>
public sealed class AmfException(string message) : FormatException(message);
