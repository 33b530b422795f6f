using System.Net;
using System.Text;
using System.Text.Json;
using XLive.Server.Settings;

namespace XLive.Server.Sessions.Redis;

/// <summary>Sessions and revocations as text in a store that others may write to as well: what is not in order is nothing.</summary>
internal static class SessionText
{
    private const int Longest = 16 << 10;

    private static readonly JsonDocumentOptions Flat = new() { MaxDepth = 2, AllowDuplicateProperties = false };

    /// <summary>Hexadecimal: text in the order of the bytes, which base64url has not.</summary>
    public static string Name(SessionId id)
    {
        Span<byte> bytes = stackalloc byte[SessionId.Size];
        id.Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    public static bool TryName(ReadOnlySpan<char> text, out SessionId id)
    {
        Span<byte> bytes = stackalloc byte[SessionId.Size];
        id = default;
        if (text.Length != 2 * SessionId.Size || Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        id = SessionId.Read(bytes);
        return true;
    }

    public static byte[] Of(SessionRecord session) => Write(json =>
    {
        json.WriteString("uid", session.Uid);
        json.WriteString("kid", session.Kid);
        json.WriteString("address", session.Address.ToString());
        json.WriteNumber("client", (int)session.Client);
        json.WriteString("agent", session.UserAgent);
        json.WriteString("entry", session.Entry.ToString());
        json.WriteNumber("opened", session.OpenedAt);
        json.WriteNumber("seen", session.SeenAt);
        json.WriteNumber("bytes", session.Bytes);
        json.WriteNumber("rate", session.Rate);
        json.WriteString("path", session.Path);
        json.WriteBoolean("place", session.HasPlace);
    });

    public static SessionRecord? ReadSession(SessionId id, string node, ReadOnlyMemory<byte> text) => Read(text, json =>
        Text(json, "uid", 128) is { } uid && IPAddress.TryParse(Text(json, "address", 64), out var address) && EntryKey.TryParse(Text(json, "entry", 64), out var entry)
            ? new SessionRecord
            {
                Id = id,
                Uid = uid,
                Kid = Text(json, "kid", 128) ?? "",
                Address = address,
                Client = Number(json, "client") is >= 0 and <= (int)ClientKind.Bot and var kind ? (ClientKind)kind : ClientKind.Unknown,
                UserAgent = Text(json, "agent", 512) ?? "",
                Entry = entry,
                OpenedAt = Number(json, "opened"),
                SeenAt = Number(json, "seen"),
                Bytes = Number(json, "bytes"),
                Rate = Number(json, "rate"),
                Path = Text(json, "path", 4096) ?? "",
                HasPlace = json.TryGetProperty("place", out var place) && place.ValueKind == JsonValueKind.True,
                Node = node,
            }
            : null);

    public static byte[] Of(in RevocationChange change)
    {
        var (name, revocation) = (change.Name, change.Revocation);
        return Write(json =>
        {
            json.WriteString("kind", name.Word);
            json.WriteString("key", name.Key);
            if (revocation is null)
                return;
            json.WriteNumber("from", revocation.From);
            json.WriteNumber("until", revocation.Until);
            json.WriteString("why", revocation.Why);
            json.WriteString("by", revocation.By);
            json.WriteBoolean("kick", revocation.IsKick);
            if (revocation.Entry is { } entry)
                json.WriteString("entry", entry.ToString());
        });
    }

    /// <summary>"milliseconds {...}"</summary>
    public static RevocationChange? ReadChange(ReadOnlyMemory<byte> text)
    {
        var blank = text.Span.IndexOf((byte)' ');
        if (blank is < 1 or > 20 || !WholeNumber.TryRead(text.Span[..blank], out var at))
            return null;
        return Read<object>(text[(blank + 1)..], json =>
        {
            if (!RevocationKey.TryKind(Text(json, "kind", 3), out var kind) || Text(json, "key", 256) is not { Length: > 0 } key && kind != RevocationKind.Kid)
                return null;
            key = Text(json, "key", 256) ?? "";
            Revocation? revocation = null;
            if (json.TryGetProperty("until", out _))
            {
                EntryKey? entry = Text(json, "entry", 64) is { } given && EntryKey.TryParse(given, out var parsed) ? parsed : null;
                revocation = new Revocation(kind, key, Number(json, "from"), Number(json, "until"), Text(json, "why", 1024) ?? "", Text(json, "by", 256) ?? "",
                    json.TryGetProperty("kick", out var kick) && kick.ValueKind == JsonValueKind.True, entry);
            }
            return new RevocationChange(new RevocationKey(kind, key), revocation, at);
        }) as RevocationChange?;
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var bytes = new MemoryStream(256);
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        return bytes.ToArray();
    }

    private static T? Read<T>(ReadOnlyMemory<byte> text, Func<JsonElement, T?> read) where T : class
    {
        if (text.Length > Longest)
            return null;
        try
        {
            using var document = JsonDocument.Parse(text, Flat);
            return document.RootElement.ValueKind == JsonValueKind.Object ? read(document.RootElement) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or DecoderFallbackException)
        {
            // InvalidOperationException: half a surrogate pair in a string.
            return null;
        }
    }

    private static string? Text(JsonElement json, string name, int most) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { } text && text.Length <= most ? text : null;

    private static long Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : 0;
}

/// <summary>Something was revoked, or, without a revocation, allowed again. Of two that name the same the later one holds.</summary>
/// <param name="At">Unix milliseconds.</param>
internal readonly record struct RevocationChange(RevocationKey Name, Revocation? Revocation, long At);
