using System.Text;
using System.Text.Json;

namespace XLive.Server.Traffic.Quotas;

/// <summary>
/// What a receiver says of users when it acknowledges: {"blocked": [uid], "unblocked": [uid], "quota": {uid: bytes}}. From outside, so it
/// is read as a whole or not at all: half a verdict might block whom the other half unblocks.
/// </summary>
internal sealed record Acknowledgement(List<string> Blocked, List<string> Unblocked, Dictionary<string, long> Quota)
{
    private const int MostUid = 128;

    public static readonly Acknowledgement Nothing = new([], [], []);

    public bool IsEmpty => Blocked.Count + Unblocked.Count + Quota.Count == 0;

    /// <param name="fault">What is wrong with it; null also for an answer that speaks of something else.</param>
    public static Acknowledgement Parse(byte[] answer, out string? fault)
    {
        fault = null;
        // "OK" and pages are common answers, and say nothing.
        if (answer.Length == 0 || answer.AsSpan().TrimStart(" \t\r\n"u8) is not [(byte)'{', ..])
            return Nothing;
        try
        {
            using var json = JsonDocument.Parse(answer, new JsonDocumentOptions { MaxDepth = 16 });
            var root = json.RootElement;
            var quota = new Dictionary<string, long>(StringComparer.Ordinal);
            if (root.TryGetProperty("quota", out var quotas))
            {
                foreach (var entry in quotas.EnumerateObject())
                    quota[Uid(entry.Name)] = entry.Value.TryGetInt64(out var bytes) && bytes >= 0 ? bytes : throw new FormatException("quota: not a number of bytes");
            }
            return new Acknowledgement(Uids(root, "blocked"), Uids(root, "unblocked"), quota);
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException)
        {
            fault = e.Message.ReplaceLineEndings(" ");
            return Nothing;
        }
    }

    private static List<string> Uids(JsonElement root, string name)
    {
        var uids = new List<string>();
        if (root.TryGetProperty(name, out var list))
        {
            foreach (var entry in list.EnumerateArray())
                uids.Add(Uid(entry.GetString()));
        }
        return uids;
    }

    private static string Uid(string? uid) => uid is { Length: > 0 } && Encoding.UTF8.GetByteCount(uid) <= MostUid && !uid.Any(char.IsControl)
        ? uid
        : throw new FormatException("not a uid");
}
