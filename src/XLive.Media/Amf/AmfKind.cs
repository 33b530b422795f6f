namespace XLive.Media.Amf;

public enum AmfKind : byte
{
    Undefined,
    Null,
    Boolean,
    Number,
    Text,
    Date,
    Bytes,
    Object,
    List,
}
