using System.Buffers;
using System.Text;

namespace XLive.Server.Access;

/// <summary>
/// The grant as the first segment of a path, for players and caches that lose queries:
/// /~v1.{uid}.{expires}.{kid}.{scope}.{token}/video/...  with uid, kid and scope in base64url, "-" for an empty kid.
/// </summary>
public static class GrantPrefix
{
    private const string Mark = "~v1.";

    /// <summary>Parts a path into the grant's segment and the path that it stands before.</summary>
    public static bool TrySplit(ReadOnlySpan<char> path, out ReadOnlySpan<char> segment, out ReadOnlySpan<char> rest)
    {
        segment = rest = default;
        if (!path.StartsWith('/') || !path[1..].StartsWith(Mark))
            return false;
        int end = path[1..].IndexOf('/');
        segment = end < 0 ? path[1..] : path.Slice(1, end);
        rest = end < 0 ? default : path[(end + 1)..];
        return true;
    }

    /// <param name="segment">Without slashes.</param>
    /// <param name="scratch">At least as long as the segment; the grant's fields will lie in it.</param>
    public static GrantReason Parse(ReadOnlySpan<char> segment, Span<byte> scratch, out SignedGrant grant)
    {
        grant = default;
        if (!segment.StartsWith(Mark))
            return GrantReason.NoGrant;
        Span<Range> parts = stackalloc Range[6];
        ReadOnlySpan<char> text = segment[Mark.Length..];
        if (text.Split(parts, '.') != 5)
            return GrantReason.Malformed;

        if (!Take(text[parts[0]], ref scratch, out ReadOnlySpan<byte> uid) || !GrantText.IsUid(uid)
            || !TryExpires(text[parts[1]], out long expires)
            || !TakeKid(text[parts[2]], ref scratch, out ReadOnlySpan<byte> kid)
            || !Take(text[parts[3]], ref scratch, out ReadOnlySpan<byte> scope) || !Scope.IsWellFormed(scope)
            || !GrantText.TryToken(text[parts[4]], scratch, out ReadOnlySpan<byte> token))
            return GrantReason.Malformed;

        grant = new SignedGrant { Uid = uid, Expires = expires, Kid = kid, Scope = scope, Token = token };
        return GrantReason.Granted;
    }

    private static bool Take(scoped ReadOnlySpan<char> raw, scoped ref Span<byte> scratch, out ReadOnlySpan<byte> value)
    {
        if (raw.IsEmpty || !GrantText.TryBase64Url(raw, scratch, out value))
        {
            value = default;
            return false;
        }
        scratch = scratch[value.Length..];
        return true;
    }

    private static bool TakeKid(scoped ReadOnlySpan<char> raw, scoped ref Span<byte> scratch, out ReadOnlySpan<byte> kid)
    {
        kid = default;
        return raw is "-" || (Take(raw, ref scratch, out kid) && GrantText.IsClean(kid));
    }

    private static bool TryExpires(ReadOnlySpan<char> raw, out long expires)
    {
        expires = 0;
        Span<byte> digits = stackalloc byte[16];
        return raw.Length <= digits.Length
            && Ascii.FromUtf16(raw, digits, out int length) == OperationStatus.Done
            && GrantText.TryExpires(digits[..length], out expires);
    }
}
