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

    public override string ToString() => Word + ":" + Key;
}
