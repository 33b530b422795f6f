using System.Security.Cryptography;

namespace XLive.Media.Rtmp;

/// <summary>
/// The handshake that no specification describes: an HMAC-SHA256 hidden in C1 and S1. Flash demanded it before it played H.264; librtmp and FFmpeg begin with it
/// still, and check the answer.
/// </summary>
internal static class HandshakeDigest
{
    public const int Length = 32;

    // Where the four bytes stand that say where the digest stands: scheme 0, scheme 1.
    private static ReadOnlySpan<int> Bases => [8, 772];

    private static ReadOnlySpan<byte> PlayerKey => "Genuine Adobe Flash Player 001"u8;
    private static ReadOnlySpan<byte> ServerKey => "Genuine Adobe Flash Media Server 001"u8;

    // Behind either key, where what is signed is the other's digest.
    private static ReadOnlySpan<byte> KeyTail =>
    [
        0xF0, 0xEE, 0xC2, 0x4A, 0x80, 0x68, 0xBE, 0xE8, 0x2E, 0x00, 0xD0, 0xD1, 0x02, 0x9E, 0x7E, 0x57,
        0x6E, 0xEC, 0x5D, 0x2D, 0x29, 0x80, 0x6F, 0xAB, 0x93, 0xB8, 0xE6, 0x36, 0xCF, 0xEB, 0x31, 0xAE,
    ];

    /// <returns>The scheme by which C1 is signed, or -1.</returns>
    public static int SchemeOf(ReadOnlySpan<byte> c1)
    {
        Span<byte> digest = stackalloc byte[Length];
        for (int scheme = 0; scheme < Bases.Length; scheme++)
        {
            int at = Offset(c1, scheme);
            Compute(c1, at, PlayerKey, digest);
            if (digest.SequenceEqual(c1.Slice(at, Length)))
                return scheme;
        }
        return -1;
    }

    /// <summary>Puts the digest into S1 by the client's scheme.</summary>
    public static void SignServer(Span<byte> s1, int scheme) => Sign(s1, scheme, ServerKey);

    /// <summary>As a client does. For tests: our own client is simple.</summary>
    public static void SignClient(Span<byte> c1, int scheme) => Sign(c1, scheme, PlayerKey);

    /// <summary>S2's last 32 bytes sign the others by a key that is made of the client's digest.</summary>
    public static void SignReply(Span<byte> s2, ReadOnlySpan<byte> c1, int scheme)
    {
        Span<byte> whole = stackalloc byte[ServerKey.Length + KeyTail.Length];
        ServerKey.CopyTo(whole);
        KeyTail.CopyTo(whole[ServerKey.Length..]);
        Span<byte> key = stackalloc byte[Length];
        HMACSHA256.HashData(whole, c1.Slice(Offset(c1, scheme), Length), key);
        HMACSHA256.HashData(key, s2[..^Length], s2[^Length..]);
    }

    public static int Offset(ReadOnlySpan<byte> packet, int scheme)
    {
        var at = packet.Slice(Bases[scheme], 4);
        return Bases[scheme] + 4 + ((at[0] + at[1] + at[2] + at[3]) % 728);
    }

    private static void Sign(Span<byte> packet, int scheme, ReadOnlySpan<byte> key)
    {
        int at = Offset(packet, scheme);
        Span<byte> digest = stackalloc byte[Length];
        Compute(packet, at, key, digest);
        digest.CopyTo(packet[at..]);
    }

    private static void Compute(ReadOnlySpan<byte> packet, int at, ReadOnlySpan<byte> key, Span<byte> digest)
    {
        Span<byte> rest = stackalloc byte[packet.Length - Length];
        packet[..at].CopyTo(rest);
        packet[(at + Length)..].CopyTo(rest[at..]);
        HMACSHA256.HashData(key, rest, digest);
    }
}
