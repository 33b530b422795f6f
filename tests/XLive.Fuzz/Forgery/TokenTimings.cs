using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using XLive.Fuzz.Inputs;
using XLive.Server.Access;
using XLive.Server.Sessions;

namespace XLive.Fuzz.Forgery;

/// <summary>
/// The pairs that must take the same time: a token wrong in its first byte and in its last, an unknown key and a wrong token, a
/// session's MAC wrong in its first byte and in its last. And two that must not, to show that the measurement can tell: the same
/// check with a comparison that stops at the first difference, and one that does not compute the MAC of an unknown key.
/// </summary>
public static class TokenTimings
{
    private const string Path = "/video/2024-01-01/movie1/playlist.m3u8";

    public static IEnumerable<(string What, bool MustLeak, Func<int, ulong, TimingResult> Run)> All =>
    [
        ("wrong in the first byte of the token, or in the last", false, (n, seed) => Links(n, seed, Query("k2", 0), Query("k2", 31), Check)),
        ("wrong token, or unknown key", false, (n, seed) => Links(n, seed, Query("k2", 0), Query("k9", 0), Check)),
        ("session path: wrong in the first byte of the MAC, or in the last", false, Sessions),
        ("control: first or last byte, compared until they differ", true, (n, seed) => Links(n, seed, Query("k2", 0), Query("k2", 31), CheckCarelessly)),
        ("control: unknown key, refused without a MAC", true, (n, seed) => Links(n, seed, Query("k2", 0), Query("k9", 0), CheckCarelessly)),
    ];

    /// <summary>A grant with one byte of its token off; with none, for -1.</summary>
    private static string Query(string kid, int wrong)
    {
        var token = Base64Url.DecodeFromChars(SignedUrl.Token(Encoding.UTF8.GetBytes(Site.Secrets[1].Secret), "u1", Site.Now + 60, "/video/2024-01-01/movie1/", "k2"));
        return $"token={(wrong < 0 ? Base64Url.EncodeToString(token) : Wrong(token, wrong))}&kid={kid}&uid=u1&expires={Site.Now + 60}";
    }

    /// <summary>
    /// One byte off, and no letter become a digit: a reader may take another branch for what the stranger wrote himself, and that is not
    /// what is asked here.
    /// </summary>
    private static string Wrong(byte[] right, int at)
    {
        var kinds = Kinds(Base64Url.EncodeToString(right));
        for (var change = 1; change < 256; change++)
        {
            byte[] wrong = [.. right];
            wrong[at] ^= (byte)change;
            var text = Base64Url.EncodeToString(wrong);
            if (Kinds(text) == kinds)
                return text;
        }
        throw new InvalidOperationException("no such change");
    }

    private static string Kinds(string text) => string.Concat(text.Select(static c => char.IsAsciiLetterUpper(c) ? 'A' : char.IsAsciiLetterLower(c) ? 'a' : char.IsAsciiDigit(c) ? '0' : c));

    private delegate GrantReason Judge(ReadOnlySpan<char> query, Span<byte> scratch);

    private static TimingResult Links(int samples, ulong seed, string one, string other, Judge judge)
    {
        var query = new char[one.Length];
        var scratch = new byte[one.Length];
        if (judge(Query("k2", -1), scratch) != GrantReason.Granted || judge(one, scratch) != GrantReason.WrongToken || judge(other, scratch) != GrantReason.WrongToken)
            throw new InvalidOperationException("not what was to be measured");
        return TimingTest.Run(samples, seed, kind => Choose(one, other, kind, query), () => judge(query, scratch));
    }

    /// <summary>
    /// Reads both and writes one place, whichever it is: else it would be caches and guessed branches that are measured, which differ
    /// by some tenths of a nanosecond from run to run.
    /// </summary>
    private static void Choose(string one, string other, bool kind, Span<char> to)
    {
        var mask = kind ? 0xFFFF : 0;
        for (var i = 0; i < to.Length; i++)
            to[i] = (char)(one[i] ^ ((one[i] ^ other[i]) & mask));
    }

    private static GrantReason Check(ReadOnlySpan<char> query, Span<byte> scratch) =>
        GrantQuery.Parse(query, scratch, out var grant) is var form and not GrantReason.Granted
            ? form
            : SignedUrl.Verify(grant, Path, Site.Keys, Site.Rules, Site.Now, out _);

    private static GrantReason CheckCarelessly(ReadOnlySpan<char> query, Span<byte> scratch)
    {
        if (GrantQuery.Parse(query, scratch, out var grant) is var form and not GrantReason.Granted)
            return form;
        if (!grant.Kid.SequenceEqual("k2"u8))
            return GrantReason.WrongToken;
        var text = SignedUrl.Text(grant.UidText, grant.Expires, grant.ScopeFor(Path), grant.KidText);
        Span<byte> mac = stackalloc byte[32];
        HMACSHA256.HashData(Encoding.UTF8.GetBytes(Site.Secrets[1].Secret), Encoding.UTF8.GetBytes(text), mac);
        for (var i = 0; i < mac.Length; i++)
        {
            if (mac[i] != grant.Token[i])
                return GrantReason.WrongToken;
        }
        return GrantReason.Granted;
    }

    private static TimingResult Sessions(int samples, ulong seed)
    {
        var grants = new SessionGrants("a service key of thirty-two bytes"u8);
        var right = grants.Make(new SessionClaim(SessionId.Read(new byte[12]), "u1", "", "/video/2024-01-01/movie1/", Site.Now + 60, null));
        var (one, other) = (Wrong(right, 0), Wrong(right, 15));
        var segment = new char[right.Length];
        if (!grants.TryRead(right, out _) || grants.TryRead(one, out _) || grants.TryRead(other, out _))
            throw new InvalidOperationException("not what was to be measured");
        return TimingTest.Run(samples, seed, kind => Choose(one, other, kind, segment), () => grants.TryRead(segment, out _));
    }

    private static string Wrong(string segment, int at)
    {
        var dot = segment.LastIndexOf('.') + 1;
        return segment[..dot] + Wrong(Base64Url.DecodeFromChars(segment.AsSpan(dot)), at);
    }
}
