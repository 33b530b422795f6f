using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Sessions;

/// <summary>
/// Names a session and its user in a proxy's log: base64url of sid and uid, a point, base64url of a MAC cut to 128 bits. Whose bytes a line
/// counts can be told though the session is long over, or another node's; and nobody's are counted on a word that this service did not
/// give. It opens nothing: its key is another than that of the grants in paths.
/// </summary>
public sealed class SessionTickets
{
    private const int MacBytes = 16;
    private const int MostUid = 128;

    /// <summary>No ticket is longer.</summary>
    public const int Longest = (SessionId.Size + MostUid + 2) / 3 * 4 + 1 + 22;

    private readonly byte[] _key = new byte[32];

    public SessionTickets(ReadOnlySpan<byte> serviceKey) => HKDF.DeriveKey(HashAlgorithmName.SHA256, serviceKey, _key, [], "xlive session ticket 1"u8);

    public string Make(SessionId id, string uid)
    {
        var payload = new byte[SessionId.Size + Encoding.UTF8.GetByteCount(uid)];
        id.Write(payload);
        Encoding.UTF8.GetBytes(uid, payload.AsSpan(SessionId.Size));
        var mac = HMACSHA256.HashData(_key, payload);
        return $"{Base64Url.EncodeToString(payload)}.{Base64Url.EncodeToString(mac.AsSpan(0, MacBytes))}";
    }

    public bool TryRead(ReadOnlySpan<byte> ticket, out SessionId id, out string uid)
    {
        (id, uid) = (default, "");
        var point = ticket.IndexOf((byte)'.');
        if (point < 0 || ticket.Length > Longest || ticket.Length - point - 1 != Base64Url.GetEncodedLength(MacBytes))
            return false;
        Span<byte> payload = stackalloc byte[Longest];
        Span<byte> given = stackalloc byte[MacBytes + 2];
        if (!Base64Url.IsValid(ticket[..point]) || !Base64Url.IsValid(ticket[(point + 1)..])
            || !Base64Url.TryDecodeFromUtf8(ticket[..point], payload, out var length) || length < SessionId.Size
            || !Base64Url.TryDecodeFromUtf8(ticket[(point + 1)..], given, out var macLength) || macLength != MacBytes)
            return false;
        payload = payload[..length];
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_key, payload, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac[..MacBytes], given[..MacBytes]))
            return false;
        id = SessionId.Read(payload);
        uid = Encoding.UTF8.GetString(payload[SessionId.Size..]);
        return true;
    }
}
