using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;

namespace XLive.Server.Access;

/// <summary>What the server holds a grant to, besides its token. Seconds; a MaxLifetime of 0 is any.</summary>
public sealed record GrantRules(long MaxLifetime, long ClockSkew, LiveApps LiveApps);

/// <summary>
/// Signed URLs, version 1.
///
///     text  = "v1" LF kid LF uid LF expires LF scope
///     token = base64url(HMAC-SHA256(secret, text))
///
/// No field can hold an LF, so no two sets of fields have one text: a digit cannot move from a uid to a time, nor a directory
/// from one field to the next.
/// </summary>
public static class SignedUrl
{
    private const long MaxExpires = 999_999_999_999;

    /// <summary>Checks a grant against the path that it is shown for. <paramref name="key"/> is set when the token is right.</summary>
    /// <param name="path">Decoded, without dot segments, and without the grant's own prefix.</param>
    /// <param name="now">Unix seconds.</param>
    [SkipLocalsInit]
    public static GrantReason Verify(
        in SignedGrant grant, ReadOnlySpan<char> path, SigningKeys keys, GrantRules rules, long now, out SigningKey? key)
    {
        const int OnStack = 1024;
        const int FixedParts = 32;
        key = null;
        // The path in UTF-8, then the text, which ends in a scope that is the grant's own or no longer than the path.
        int most = (path.Length * 6) + grant.Kid.Length + grant.Uid.Length + grant.Scope.Length + FixedParts;
        byte[]? rented = most <= OnStack ? null : ArrayPool<byte>.Shared.Rent(most);
        Span<byte> buffer = rented ?? stackalloc byte[OnStack];
        try
        {
            if (!path.StartsWith('/')
                || Utf8.FromUtf16(path, buffer, out _, out int pathLength, replaceInvalidSequences: false) != OperationStatus.Done
                || !GrantText.IsClean(buffer[..pathLength]))
                return GrantReason.Malformed;
            ReadOnlySpan<byte> asked = buffer[..pathLength];
            bool derived = grant.Scope.IsEmpty;
            ReadOnlySpan<byte> scope = derived ? Scope.Derived(asked) : grant.Scope;

            Span<byte> text = buffer[pathLength..];
            text = text[..WriteText(text, grant.Kid, grant.Uid, grant.Expires, scope)];
            Span<byte> secret = stackalloc byte[SigningKey.HashBlock];
            SigningKey candidate = keys.Find(grant.Kid, secret, out bool known);
            Span<byte> mac = stackalloc byte[GrantText.TokenBytes];
            HMACSHA256.HashData(secret, text, mac);
            if (!(CryptographicOperations.FixedTimeEquals(mac, grant.Token) & known))
                return GrantReason.WrongToken;

            key = candidate;
            GrantReason reason = Recheck(candidate, grant.Expires, rules, now);
            if (reason != GrantReason.Granted)
                return reason;
            if (rules.MaxLifetime > 0 && grant.Expires - now > rules.MaxLifetime + rules.ClockSkew)
                return GrantReason.LifetimeTooLong;
            if (derived)
                return Scope.IsTooWideToDerive(scope, rules.LiveApps) ? GrantReason.ScopeTooWide : GrantReason.Granted;
            return Scope.Covers(scope, asked, rules.LiveApps) ? GrantReason.Granted : GrantReason.OutsideScope;
        }
        finally
        {
            if (rented is not null)
                ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>What time can take from a grant whose token was right: asked again of a remembered one.</summary>
    public static GrantReason Recheck(SigningKey key, long expires, GrantRules rules, long now)
    {
        // The skew is for a site whose clock is ahead. A key's end is the operator's word, by this clock, and exact.
        if (now + rules.ClockSkew < key.NotBefore)
            return GrantReason.KeyNotValidYet;
        if (now > key.NotAfter)
            return GrantReason.KeyExpired;
        return now > expires + rules.ClockSkew ? GrantReason.Expired : GrantReason.Granted;
    }

    /// <summary>The text that is signed.</summary>
    public static string Text(string uid, long expires, string scope, string kid = "") =>
        string.Create(CultureInfo.InvariantCulture, $"v1\n{kid}\n{uid}\n{expires}\n{scope}");

    /// <exception cref="ArgumentException">A field that no server would accept.</exception>
    public static string Token(ReadOnlySpan<byte> secret, string uid, long expires, string scope, string kid = "")
    {
        CheckField(GrantText.IsUid(Bytes(uid)), "the uid has 1 to 128 bytes of UTF-8 and no control character", nameof(uid));
        CheckField(expires is > 0 and <= MaxExpires, "expires is Unix seconds of 1 to 12 digits", nameof(expires));
        CheckField(GrantText.IsClean(Bytes(kid)), "the key id has no control character", nameof(kid));
        CheckField(Scope.IsWellFormed(Bytes(scope)), "the scope begins with / and has no empty, . or .. segment", nameof(scope));
        return Base64Url.EncodeToString(HMACSHA256.HashData(secret, Bytes(Text(uid, expires, scope, kid))));
    }

    /// <summary>The URL with the grant in its query.</summary>
    /// <param name="path">As it reads, not percent-encoded.</param>
    /// <param name="scope">Null: the directory of the path, which the URL then need not state.</param>
    public static string Sign(string path, string uid, long expires, ReadOnlySpan<byte> secret, string kid = "", string? scope = null)
    {
        string token = Token(secret, uid, expires, scope ?? CheckedScope(path), kid);
        var url = new StringBuilder(Escape(path));
        url.Append("?uid=").Append(Uri.EscapeDataString(uid));
        url.Append("&expires=").Append(expires.ToString(CultureInfo.InvariantCulture));
        url.Append("&token=").Append(token);
        if (kid.Length > 0)
            url.Append("&kid=").Append(Uri.EscapeDataString(kid));
        if (scope is not null)
            url.Append("&scope=").Append(Escape(scope));
        return url.ToString();
    }

    /// <summary>The URL with the grant as the first segment of its path.</summary>
    public static string SignAsPrefix(string path, string uid, long expires, ReadOnlySpan<byte> secret, string kid = "", string? scope = null)
    {
        scope ??= CheckedScope(path);
        string token = Token(secret, uid, expires, scope, kid);
        string keyPart = kid.Length == 0 ? "-" : Base64Url.EncodeToString(Bytes(kid));
        string prefix = string.Create(
            CultureInfo.InvariantCulture,
            $"/~v1.{Base64Url.EncodeToString(Bytes(uid))}.{expires}.{keyPart}.{Base64Url.EncodeToString(Bytes(scope))}.{token}");
        return prefix + Escape(path);
    }

    private static string CheckedScope(string path)
    {
        CheckField(path.StartsWith('/'), "a path begins with /", nameof(path));
        return Scope.Derived(path).ToString();
    }

    private static string Escape(string path) => Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal);

    private static byte[] Bytes(string text) => GrantText.Bytes(text);

    private static void CheckField([DoesNotReturnIf(false)] bool good, string rule, string field)
    {
        if (!good)
            throw new ArgumentException(rule, field);
    }

    private static int WriteText(Span<byte> to, ReadOnlySpan<byte> kid, ReadOnlySpan<byte> uid, long expires, ReadOnlySpan<byte> scope)
    {
        "v1\n"u8.CopyTo(to);
        int at = 3;
        kid.CopyTo(to[at..]);
        at += kid.Length;
        to[at++] = (byte)'\n';
        uid.CopyTo(to[at..]);
        at += uid.Length;
        to[at++] = (byte)'\n';
        Utf8Formatter.TryFormat(expires, to[at..], out int digits);
        at += digits;
        to[at++] = (byte)'\n';
        scope.CopyTo(to[at..]);
        return at + scope.Length;
    }
}
