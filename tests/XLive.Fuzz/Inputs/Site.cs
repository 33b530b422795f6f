using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Access;

namespace XLive.Fuzz.Inputs;

/// <summary>A site that signs: its keys, its links, and what its server holds them to.</summary>
internal static class Site
{
    public const long Now = 1_800_000_000;

    public static readonly (string Kid, string Secret, long NotBefore, long NotAfter)[] Secrets =
    [
        ("", "site-secret-0123456789", long.MinValue, long.MaxValue),
        ("k2", "second-secret-987654321", long.MinValue, long.MaxValue),
        ("soon", "soon-secret-0123456789", Now + 100, long.MaxValue),
        ("gone", "gone-secret-0123456789", long.MinValue, Now - 1),
        ("schl\u00fcssel 3", "third-secret-of-more-than-64-bytes-which-hmac-would-hash-first-0123456789", long.MinValue, long.MaxValue),
    ];

    public static readonly LiveApps Apps = new(["live", "wida"]);

    public static readonly GrantRules Rules = new(MaxLifetime: 7 * 86400, ClockSkew: 30, Apps);

    public static readonly SigningKeys Keys =
        new(Secrets.Select(static s => new SigningKey(s.Kid, Encoding.UTF8.GetBytes(s.Secret), s.NotBefore, s.NotAfter)));

    private static readonly string[] Uids = ["u1", "u42", "J\u00fcrgen +1", "\u65e5\u672c\u8a9e/\ud83c\udfac", "a&b=c", "0", "user@example.com", new('x', 128), "%41"];

    public static readonly string[] Paths =
    [
        "/video/2024-01-01/movie1/playlist.m3u8", "/v/m/seg7.ts", "/live/cam.m3u8", "/live/cam/720/part-1.mp4", "/films/movie1.mp4", "/films/movie10/a.ts", "/top.mp4",
        "/video/ein Film/\u00fc & \u00df?.m3u8", "/a/b/c/d/e/f/g", "/wida/wida.flv",
    ];

    private static readonly string?[] Scopes =
        [null, null, null, "/video/", "/video/2024-01-01/movie1/", "/films/movie1*", "/films/movie1.mp4", "/live/cam", "/", "/*", "/v/m/", "/a/b/c/d/e/f/g", "/wida/wida"];

    public static string Uid(Dice dice) => dice.Pick<string>(Uids);

    public static string Path(Dice dice) => dice.Pick<string>(Paths);

    public static string? Scope(Dice dice) => dice.Pick<string?>(Scopes);

    /// <summary>Mostly within the hour; else about the borders of what is taken.</summary>
    public static long Expires(Dice dice) => dice.OneIn(3)
        ? Now + dice.Pick<long>([-31, -30, 0, (7 * 86400) + 30, (7 * 86400) + 31, -Now + 1, 999_999_999_999 - Now])
        : Now + dice.Below(3600);

    public static (string Kid, byte[] Secret) Key(Dice dice)
    {
        var (kid, secret, _, _) = dice.OneIn(2) ? Secrets[0] : Secrets[dice.Below(Secrets.Length)];
        return (kid, Encoding.UTF8.GetBytes(secret));
    }

    public static string Link(Dice dice)
    {
        var (kid, secret) = Key(dice);
        return SignedUrl.Sign(Path(dice), Uid(dice), Expires(dice), secret, kid, Scope(dice));
    }

    public static string PathLink(Dice dice)
    {
        var (kid, secret) = Key(dice);
        return SignedUrl.SignAsPrefix(Path(dice), Uid(dice), Expires(dice), secret, kid, Scope(dice));
    }

    /// <summary>The contract read once more, from its text: what a grant of the right form comes to.</summary>
    public static GrantReason Judgement(byte[] uid, long expires, byte[] kid, byte[] stated, byte[] token, string path)
    {
        var derived = stated.Length == 0;
        var scope = derived ? path[..(path.LastIndexOf('/') + 1)] : Encoding.UTF8.GetString(stated);
        byte[] text = [.. "v1\n"u8, .. kid, (byte)'\n', .. uid, .. Encoding.ASCII.GetBytes($"\n{expires}\n"), .. Encoding.UTF8.GetBytes(scope)];
        var name = Encoding.UTF8.GetString(kid);
        var key = Array.FindIndex(Secrets, s => s.Kid == name);
        if (key < 0 || !HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secrets[key].Secret), text).SequenceEqual(token))
            return GrantReason.WrongToken;
        if (Now + 30 < Secrets[key].NotBefore)
            return GrantReason.KeyNotValidYet;
        if (Now > Secrets[key].NotAfter)
            return GrantReason.KeyExpired;
        if (Now - 30 > expires)
            return GrantReason.Expired;
        if (expires > Now + 30 + (7 * 86400))
            return GrantReason.LifetimeTooLong;
        if (derived)
            return scope is "/" or "/live/" or "/wida/" ? GrantReason.ScopeTooWide : GrantReason.Granted;
        return ScopeFuzzer.Reaches(scope, path) ? GrantReason.Granted : GrantReason.OutsideScope;
    }

    /// <summary>base64url that is the only one of its bytes; else null.</summary>
    public static byte[]? Decoded(string text)
    {
        try
        {
            var bytes = Convert.FromBase64String(text.Replace('-', '+').Replace('_', '/') + new string('=', (4 - (text.Length % 4)) % 4));
            return Base64Url.EncodeToString(bytes) == text ? bytes : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    /// <summary>UTF-8 as it should be, without control characters; else null.</summary>
    public static string? Clean(byte[] bytes)
    {
        try
        {
            var text = new UTF8Encoding(false, true).GetString(bytes);
            return text.Any(char.IsControl) ? null : text;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
