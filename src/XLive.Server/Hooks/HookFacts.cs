using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace XLive.Server.Hooks;

/// <summary>What there is to say of an event. Which of it an event carries is <see cref="HookKinds"/>'; nothing here opens or signs anything.</summary>
public readonly record struct HookFacts()
{
    /// <summary>app/name of a live stream; of films what the viewer's link covers. Events of one stream arrive in their order.</summary>
    public string Stream { get; init; } = "";
    public string Path { get; init; } = "";
    public string Uid { get; init; } = "";
    public string Sid { get; init; } = "";

    /// <summary>As privacy.ip has it.</summary>
    public string Address { get; init; } = "";

    /// <summary>By what he was let in; never a key.</summary>
    public string Publisher { get; init; } = "";
    public string Protocol { get; init; } = "";
    public string Client { get; init; } = "";
    public string Reason { get; init; } = "";
    public string Report { get; init; } = "";
    public string State { get; init; } = "";
    public string Before { get; init; } = "";
    public long Bytes { get; init; }

    /// <summary>Unix seconds.</summary>
    public long Opened { get; init; }

    /// <summary>Unix seconds.</summary>
    public long LastSeen { get; init; }
}

/// <summary>One event or question as it is posted: these bytes at every attempt.</summary>
/// <param name="Lane">Events of one lane are sent one after the other.</param>
internal sealed record HookEvent(string Id, HookKind Kind, string Lane, byte[] Body)
{
    // A path or a reason that is longer says no more; a lane of more is somebody's attempt.
    private const int LongestText = 1024;

    public static HookEvent Of(HookKind kind, in HookFacts facts, DateTimeOffset at, bool isQuestion)
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var body = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("event", kind.Word);
            json.WriteBoolean("question", isQuestion);
            json.WriteNumber("time", at.ToUnixTimeSeconds());
            foreach (var field in kind.Fields)
                Write(json, field, facts);
            json.WriteEndObject();
        }
        return new HookEvent(id, kind, LaneOf(kind, facts), body.WrittenSpan.ToArray());
    }

    private static void Write(Utf8JsonWriter json, string field, in HookFacts facts)
    {
        switch (field)
        {
            case "bytes": json.WriteNumber(field, facts.Bytes); break;
            case "opened": json.WriteNumber(field, facts.Opened); break;
            case "last_seen": json.WriteNumber(field, facts.LastSeen); break;
            default:
                json.WriteString(field, Cut(field switch
                {
                    "stream" => facts.Stream,
                    "path" => facts.Path,
                    "uid" => facts.Uid,
                    "sid" => facts.Sid,
                    "address" => facts.Address,
                    "publisher" => facts.Publisher,
                    "protocol" => facts.Protocol,
                    "client" => facts.Client,
                    "reason" => facts.Reason,
                    "report" => facts.Report,
                    "state" => facts.State,
                    "before" => facts.Before,
                    _ => throw new ArgumentOutOfRangeException(nameof(field), field, "no field of an event"),
                }));
                break;
        }
    }

    private static string LaneOf(HookKind kind, in HookFacts facts) => facts.Stream.Length > 0 ? Cut(facts.Stream) : kind.Word;

    private static string Cut(string text) =>
        text.Length <= LongestText ? text : text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)];
}
