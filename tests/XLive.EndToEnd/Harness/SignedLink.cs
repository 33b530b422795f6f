using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XLive.EndToEnd.Harness;

/// <summary>Signed URLs, version 1, written here once more from the contract: what a site's own code would do.</summary>
public sealed record SignedLink(string Path, string Uid, long Expires, string Secret, string Kid = "", string? Scope = null)
{
    string EffectiveScope => Scope ?? Path[..(Path.LastIndexOf('/') + 1)];

    public string Token => Encode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes(
        string.Create(CultureInfo.InvariantCulture, $"v1\n{Kid}\n{Uid}\n{Expires}\n{EffectiveScope}"))));

    /// <summary><c>/film/master.m3u8?uid=U&amp;expires=E&amp;token=T</c></summary>
    public string InQuery => string.Create(CultureInfo.InvariantCulture, $"{Path}?uid={Uri.EscapeDataString(Uid)}&expires={Expires}&token={Token}")
        + (Kid == "" ? "" : $"&kid={Uri.EscapeDataString(Kid)}")
        + (Scope is null ? "" : $"&scope={Uri.EscapeDataString(Scope)}");

    /// <summary><c>/~v1.{uid}.{expires}.{kid}.{scope}.{token}/film/master.m3u8</c></summary>
    public string InPath => string.Create(CultureInfo.InvariantCulture,
        $"/~v1.{Encode(Uid)}.{Expires}.{(Kid == "" ? "-" : Encode(Kid))}.{Encode(EffectiveScope)}.{Token}{Path}");

    static string Encode(string text) => Encode(Encoding.UTF8.GetBytes(text));

    static string Encode(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);
}
