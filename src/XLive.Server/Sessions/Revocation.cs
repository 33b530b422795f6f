using System.Buffers.Text;
using System.Text;

namespace XLive.Server.Sessions;

public enum RevocationKind : byte { Uid, Kid, Sid }

/// <summary>A user, a key or a session that does not play until a time. A kick is one of a session, and bars its entry besides.</summary>
/// <param name="From">Unix seconds.</param>
/// <param name="Until">Unix seconds; <see cref="Ever"/>: until it is lifted.</param>
/// <param name="Why">The operator's words, for the list.</param>
/// <param name="By">Who did it.</param>
/// <param name="Entry">The link, network and program that a kicked session came by.</param>
public sealed record Revocation(
    RevocationKind Kind, string Key, long From, long Until, string Why, string By, bool IsKick = false, EntryKey? Entry = null)
{
    public const long Ever = long.MaxValue;

    /// <summary>The reason of the refusals.</summary>
    public string Word => IsKick ? "kicked" : "revoked";

    public RevocationKey Name => new(Kind, Key);
}

/// <summary>What is revoked: one revocation each, a later one takes its place.</summary>
public readonly record struct RevocationKey(RevocationKind Kind, string Key)
{
    public string Word => Kind switch { RevocationKind.Uid => "uid", RevocationKind.Kid => "kid", _ => "sid" };

    public static bool TryKind(ReadOnlySpan<char> word, out RevocationKind kind)
    {
        kind = word switch { "uid" => RevocationKind.Uid, "kid" => RevocationKind.Kid, _ => RevocationKind.Sid };
        return word is "uid" or "kid" or "sid";
    }

    /// <summary>For URLs, whatever characters the key has: "sid.SID", "uid.BASE64URL", and "-" for the key with the empty id.</summary>
    public string Id => Word + "." + (Kind == RevocationKind.Sid ? Key : Key.Length == 0 ? "-" : Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Key)));

    public static bool TryParseId(ReadOnlySpan<char> id, out RevocationKey key)
    {
        key = default;
        var dot = id.IndexOf('.');
        if (dot < 0 || !TryKind(id[..dot], out var kind))
            return false;
        var text = id[(dot + 1)..];
        if (kind == RevocationKind.Sid || text is "-")
            key = new RevocationKey(kind, text is "-" ? "" : text.ToString());
        else if (Base64Url.IsValid(text))
            key = new RevocationKey(kind, Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text)));
        else
            return false;
        return true;
    }

    public override string ToString() => $"{Word} {Key}";
}
