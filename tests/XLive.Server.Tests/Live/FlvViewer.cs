using System.Text;
using XLive.Media.Flv;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>Reads the chunked body of a live stream (RFC 9112 section 7.1), tag by tag.</summary>
internal sealed class FlvViewer(RawClient client)
{
    private readonly FlvReader _reader = new();
    private bool _hasChunks;

    /// <summary>Of the body, without what frames it.</summary>
    public long Bytes { get; private set; }

    /// <summary>Until the last chunk. Of those that tell of the tracks the number is -1.</summary>
    public IEnumerable<(FlvTagType Type, int Number)> Tags() =>
        Read().Select(static tag => (tag.Type, tag.Type == FlvTagType.Script || tag.Body.Span[1] == 0 ? -1 : Film.NumberOf(tag)));

    /// <summary>A tag's body stands until the next is asked for.</summary>
    public IEnumerable<FlvTag> Read()
    {
        while (Chunk() is { } data)
        {
            Bytes += data.Length;
            for (var rest = data.AsMemory(); ;)
            {
                var has = _reader.Read(rest, out var consumed, out var tag);
                rest = rest[consumed..];
                if (!has)
                    break;
                yield return tag;
            }
        }
    }

    private byte[]? Chunk()
    {
        // Behind a chunk its end of line comes with the next one.
        if (_hasChunks)
            Assert.Equal("\r\n", Encoding.ASCII.GetString(client.ReadBody(2)));
        _hasChunks = true;
        var size = new StringBuilder();
        while (!size.ToString().EndsWith("\r\n", StringComparison.Ordinal))
            size.Append((char)client.ReadBody(1)[0]);
        var length = Convert.ToInt32(size.ToString().TrimEnd(), 16);
        if (length > 0)
            return client.ReadBody(length);
        Assert.Equal("\r\n", Encoding.ASCII.GetString(client.ReadBody(2)));
        return null;
    }
}
