using System.IO.Compression;
using System.Text;

namespace XLive.Server.Tests.Delivery;

/// <summary>A response, as its bytes came over the wire.</summary>
public sealed record Answer(string StatusLine, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[] Body)
{
    public int Status => int.Parse(StatusLine.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);

    public string Text => Encoding.UTF8.GetString(Body);

    public long ContentLength => long.Parse(this["Content-Length"] ?? "-1", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Null when it is not there; a header that stands twice fails the test.</summary>
    public string? this[string name]
    {
        get
        {
            var values = Headers.Where(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).ToList();
            Assert.True(values.Count <= 1, $"{name} stands {values.Count} times");
            return values.Count == 0 ? null : values[0].Value;
        }
    }

    public string Unzipped()
    {
        using var gzip = new GZipStream(new MemoryStream(Body), CompressionMode.Decompress);
        using var into = new MemoryStream();
        gzip.CopyTo(into);
        return Encoding.UTF8.GetString(into.ToArray());
    }

    public override string ToString() => StatusLine + "\n" + string.Join('\n', Headers.Select(h => h.Key + ": " + h.Value));
}

/// <summary>How the server ended a connection.</summary>
public enum Ending
{
    /// <summary>FIN: all that was promised has come, or the server wants the viewer to believe so.</summary>
    Orderly,
    /// <summary>RST: nobody can take what came for the whole.</summary>
    Reset,
}
