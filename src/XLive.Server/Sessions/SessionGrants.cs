using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Sessions;

/// <summary>What a session's path said, once its MAC was right.</summary>
public readonly record struct SessionClaim(SessionId Id, string Uid, string Kid, string Scope, long Expires, AddressKey? Bound);

/// <summary>
/// Makes and checks "~s1.payload.mac". The payload is flags, sid, expires, kid, uid, the bound address where there is one, and the scope;
/// the MAC is HMAC-SHA256 cut to 128 bits (RFC 2104 section 5), by a key derived from the service key and never from a
/// signing secret: who can sign links cannot make sessions, and a session's path reveals nothing of the site's secret.
/// </summary>
public sealed class SessionGrants
{
    private const int MacBytes = 16;
    private const byte BoundFlag = 1;

    // The longest path that Linux opens, and what stands before it.
    private const int MaxPayload = 4096 + 512;

    private readonly byte[] _key;

    public SessionGrants(ReadOnlySpan<byte> serviceKey)
    {
        _key = new byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, serviceKey, _key, [], "xlive session grant 1"u8);
    }

    public string Make(in SessionClaim claim)
    {
        var kid = Encoding.UTF8.GetBytes(claim.Kid);
        var uid = Encoding.UTF8.GetBytes(claim.Uid);
        var scope = Encoding.UTF8.GetBytes(claim.Scope);
        var payload = new byte[1 + SessionId.Size + 5 + 1 + kid.Length + 1 + uid.Length + (claim.Bound is null ? 0 : 16) + scope.Length];
        payload[0] = claim.Bound is null ? (byte)0 : BoundFlag;
        var at = 1;
        claim.Id.Write(payload.AsSpan(at));
        at += SessionId.Size;
        payload[at++] = (byte)(claim.Expires >> 32);
        BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan(at), (uint)claim.Expires);
        at += 4;
        at = Put(payload, at, kid);
        at = Put(payload, at, uid);
        if (claim.Bound is { } bound)
        {
            BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(at), bound.High);
            BinaryPrimitives.WriteUInt64BigEndian(payload.AsSpan(at + 8), bound.Low);
            at += 16;
        }
        scope.CopyTo(payload, at);
        var mac = HMACSHA256.HashData(_key, payload);
        return $"~s1.{Base64Url.EncodeToString(payload)}.{Base64Url.EncodeToString(mac.AsSpan(0, MacBytes))}";
    }

    private static int Put(byte[] payload, int at, byte[] field)
    {
        payload[at] = (byte)field.Length;
        field.CopyTo(payload, at + 1);
        return at + 1 + field.Length;
    }

    /// <summary>False for any form or MAC that this service did not make; the two are not told apart.</summary>
    public bool TryRead(ReadOnlySpan<char> segment, out SessionClaim claim)
    {
        claim = default;
        if (!segment.StartsWith("~s1.", StringComparison.Ordinal))
            return false;
        segment = segment[4..];
        var dot = segment.IndexOf('.');
        if (dot < 0 || segment.Length - dot - 1 != Base64Url.GetEncodedLength(MacBytes) || dot > Base64Url.GetEncodedLength(MaxPayload))
            return false;
        Span<byte> buffer = stackalloc byte[MaxPayload];
        Span<byte> given = stackalloc byte[MacBytes + 2];
        if (!TryDecode(segment[..dot], buffer, out var length) || !TryDecode(segment[(dot + 1)..], given, out var macLength) || macLength != MacBytes)
            return false;
        ReadOnlySpan<byte> payload = buffer[..length];
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(_key, payload, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac[..MacBytes], given[..MacBytes]))
            return false;
        claim = Read(payload);
        return true;
    }

    // One text for one value: a decoder that ignores the last character's spare bits would let the same grant wear many paths.
    private static bool TryDecode(ReadOnlySpan<char> text, Span<byte> into, out int length)
    {
        length = 0;
        if (text.ContainsAny(" \t\r\n=") || !Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, into, out length))
            return false;
        Span<char> again = stackalloc char[Base64Url.GetEncodedLength(length)];
        Base64Url.EncodeToChars(into[..length], again);
        return text.SequenceEqual(again);
    }

    private static SessionClaim Read(ReadOnlySpan<byte> payload)
    {
        // Ours by its MAC, so its lengths hold.
        var bound = payload[0] == BoundFlag;
        var at = 1;
        var id = SessionId.Read(payload[at..]);
        at += SessionId.Size;
        var expires = (long)payload[at] << 32 | BinaryPrimitives.ReadUInt32BigEndian(payload[(at + 1)..]);
        at += 5;
        var kid = Encoding.UTF8.GetString(payload.Slice(at + 1, payload[at]));
        at += 1 + payload[at];
        var uid = Encoding.UTF8.GetString(payload.Slice(at + 1, payload[at]));
        at += 1 + payload[at];
        AddressKey? address = null;
        if (bound)
        {
            address = new AddressKey(BinaryPrimitives.ReadUInt64BigEndian(payload[at..]), BinaryPrimitives.ReadUInt64BigEndian(payload[(at + 8)..]));
            at += 16;
        }
        return new SessionClaim(id, uid, kid, Encoding.UTF8.GetString(payload[at..]), expires, address);
    }
}
