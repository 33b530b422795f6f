using System.Net;
using System.Runtime.CompilerServices;

namespace XLive.Server.Telemetry;

/// <summary>One request as the log tells it. Its texts may be as they came: they are escaped and their secrets masked here.</summary>
public readonly struct AccessEntry
{
    public DateTimeOffset Time { get; init; }
    public IPAddress? Client { get; init; }
    public string? Method { get; init; }
    public string? Path { get; init; }

    /// <summary>With or without its "?".</summary>
    public string? Query { get; init; }
    public int Status { get; init; }

    /// <summary>Body bytes that left.</summary>
    public long Bytes { get; init; }
    public long Microseconds { get; init; }
    public string? Uid { get; init; }
    public string? Sid { get; init; }
    public string? RequestId { get; init; }
    public string? UserAgent { get; init; }
    public string? Referer { get; init; }
}

/// <summary>access.log, a line a request; the ones that end in 5xx are in error.log too. Allocates nothing.</summary>
public sealed class AccessLog(LogFiles files)
{
    // The bounds of the texts below and their quotes add up to less.
    private const int LineBytes = 8 << 10;
    private const int PathBytes = 2048;
    private const int QueryBytes = 2048;
    private const int HeaderBytes = 512;
    private const int NameBytes = 256;

    [SkipLocalsInit]
    public void Write(in AccessEntry entry)
    {
        LogOptions options = files.Options;
        Utf8Line line = new(stackalloc byte[LineBytes], options.Format == LogFormat.Json);
        if (line.Json)
        {
            Json(ref line, entry, options.Address);
        }
        else
        {
            Text(ref line, entry, options.Address);
        }
        files.Access.Write(line.Written);
        if (entry.Status >= 500)
        {
            files.Errors.Write(line.Written);
        }
    }

    private static void Text(ref Utf8Line line, in AccessEntry entry, AddressPrivacy privacy)
    {
        line.Time(entry.Time);
        line.Ours(" "u8);
        line.Address(entry.Client, privacy);
        line.Ours(" \""u8);
        line.Outside(entry.Method, NameBytes);
        line.Ours(" "u8);
        Target(ref line, entry);
        line.Ours("\" "u8);
        line.Number(entry.Status);
        line.Ours(" "u8);
        line.Number(entry.Bytes);
        line.Ours(" "u8);
        line.Number(entry.Microseconds);
        line.Ours("us uid=\""u8);
        line.Outside(entry.Uid, NameBytes);
        line.Ours("\" sid=\""u8);
        line.Outside(entry.Sid, NameBytes);
        line.Ours("\" id=\""u8);
        line.Outside(entry.RequestId, NameBytes);
        line.Ours("\" \""u8);
        Secrets.Prose(ref line, entry.UserAgent, HeaderBytes);
        line.Ours("\" \""u8);
        Referer(ref line, entry.Referer);
        line.Ours("\"\n"u8);
    }

    private static void Json(ref Utf8Line line, in AccessEntry entry, AddressPrivacy privacy)
    {
        line.Ours("{\"time\":\""u8);
        line.Time(entry.Time);
        line.Ours("\",\"client\":\""u8);
        line.Address(entry.Client, privacy);
        line.Ours("\",\"method\":\""u8);
        line.Outside(entry.Method, NameBytes);
        line.Ours("\",\"path\":\""u8);
        Target(ref line, entry);
        line.Ours("\",\"status\":"u8);
        line.Number(entry.Status);
        line.Ours(",\"bytes\":"u8);
        line.Number(entry.Bytes);
        line.Ours(",\"duration_us\":"u8);
        line.Number(entry.Microseconds);
        line.Ours(",\"uid\":\""u8);
        line.Outside(entry.Uid, NameBytes);
        line.Ours("\",\"sid\":\""u8);
        line.Outside(entry.Sid, NameBytes);
        line.Ours("\",\"request_id\":\""u8);
        line.Outside(entry.RequestId, NameBytes);
        line.Ours("\",\"user_agent\":\""u8);
        Secrets.Prose(ref line, entry.UserAgent, HeaderBytes);
        line.Ours("\",\"referer\":\""u8);
        Referer(ref line, entry.Referer);
        line.Ours("\"}\n"u8);
    }

    private static void Target(ref Utf8Line line, in AccessEntry entry)
    {
        Secrets.Url(ref line, entry.Path, PathBytes);
        ReadOnlySpan<char> query = entry.Query;
        if (query.Length > 1)
        {
            line.Ours("?"u8);
            Secrets.Url(ref line, query.TrimStart('?'), QueryBytes, startsInQuery: true);
        }
    }

    // Without its query: a player's page often carries the whole signed URL in its own address, in a form of its own.
    private static void Referer(ref Utf8Line line, ReadOnlySpan<char> referer)
    {
        int query = referer.IndexOfAny('?', '#');
        Secrets.Url(ref line, query < 0 ? referer : referer[..query], HeaderBytes);
    }
}
