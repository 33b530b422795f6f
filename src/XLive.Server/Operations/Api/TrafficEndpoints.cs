using System.Globalization;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Storage;
using XLive.Server.Traffic;
using XLive.Server.Traffic.History;

namespace XLive.Server.Operations.Api;

/// <summary>
/// What users took, from the history: who most, and whoever's hours and days, as JSON by the page or as CSV by the whole. The sums that
/// stand beside a page are over all pages, and of the same moment.
/// </summary>
internal sealed class TrafficEndpoints(TrafficHistory history, Database db, TimeProvider clock)
{
    private const int CsvRows = 1000;

    private static readonly string[] GetAndHead = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        TrafficEndpoints endpoints = routes.ServiceProvider.GetRequiredService<TrafficEndpoints>();
        routes.MapMethods("/api/v1/traffic/users", GetAndHead, (RequestDelegate)endpoints.Users).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/traffic/users/{uid}", GetAndHead, (RequestDelegate)endpoints.User).Requires(Permission.Monitor);
        routes.MapMethods("/api/v1/traffic/history", GetAndHead, (RequestDelegate)endpoints.History).Requires(Permission.Monitor);
    }

    private async Task Users(HttpContext http)
    {
        TrafficQuery asked = TrafficQuery.Of(http.Request, clock.GetUtcNow());
        if (asked.All)
        {
            await UsersCsv(http, asked);
            return;
        }
        UsersPage page = await db.RunAsync(_ => history.Users(asked.From, asked.To, asked.ByRequests, asked.Limit, asked.Offset));
        if (asked.Csv)
        {
            await CsvAsync(http, "users", csv => Write(csv, page.Users, head: true));
            return;
        }
        await JsonAsync(http, json =>
        {
            Begin(json, asked, page.Bytes, page.Requests);
            json.WriteNumber("users_total", page.Count);
            json.WriteStartArray("users");
            foreach (UserTraffic user in page.Users)
            {
                json.WriteStartObject();
                json.WriteString("uid", user.Uid);
                json.WriteNumber("bytes", user.Bytes);
                json.WriteNumber("requests", user.Requests);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            Next(json, asked, page.Users.Count, page.Count);
        });
    }

    private Task User(HttpContext http) => Spans(http, (string)http.Request.RouteValues["uid"]!);

    private Task History(HttpContext http) => Spans(http, null);

    private async Task Spans(HttpContext http, string? of)
    {
        TrafficQuery asked = TrafficQuery.Of(http.Request, clock.GetUtcNow());
        string? uid = of ?? asked.Uid;
        if (asked.All)
        {
            await SpansCsv(http, asked, uid);
            return;
        }
        SpansPage page = await db.RunAsync(_ => history.Spans(uid, asked.From, asked.To, asked.Span, asked.Limit, asked.Offset));
        if (asked.Csv)
        {
            await CsvAsync(http, "history", csv => Write(csv, page.Spans, uid, head: true));
            return;
        }
        await JsonAsync(http, json =>
        {
            if (uid is not null)
            {
                json.WriteString("uid", uid);
            }
            Begin(json, asked, page.Bytes, page.Requests);
            json.WriteString("by", asked.Span == TrafficHistory.Day ? "day" : "hour");
            json.WriteStartArray("items");
            foreach (TrafficSpan span in page.Spans)
            {
                json.WriteStartObject();
                json.WriteNumber("start", span.Start);
                json.WriteString("start_utc", Utc(span.Start));
                json.WriteNumber("bytes", span.Bytes);
                json.WriteNumber("requests", span.Requests);
                json.WriteStartObject("file_types");
                for (int kind = 0; kind < span.Kinds.Length; kind++)
                {
                    if (span.Kinds[kind] != 0)
                    {
                        json.WriteNumber(((FileKind)kind).Word(), span.Kinds[kind]);
                    }
                }
                json.WriteEndObject();
                json.WriteEndObject();
            }
            json.WriteEndArray();
            Next(json, asked, page.Spans.Count, page.Count);
        });
    }

    private static void Begin(Utf8JsonWriter json, TrafficQuery asked, long bytes, long requests)
    {
        json.WriteNumber("from", asked.From);
        json.WriteNumber("to", asked.To);
        json.WriteStartObject("total");
        json.WriteNumber("bytes", bytes);
        json.WriteNumber("requests", requests);
        json.WriteEndObject();
    }

    private static void Next(Utf8JsonWriter json, TrafficQuery asked, int rows, long all)
    {
        if (asked.Offset + rows < all && rows > 0)
        {
            json.WriteNumber("next_offset", asked.Offset + rows);
        }
        else
        {
            json.WriteNull("next_offset");
        }
    }

    // A page is read, sent, and the next one read: neither a row nor a connection to the database waits for who reads slowly.
    private async Task UsersCsv(HttpContext http, TrafficQuery asked)
    {
        List<UserTraffic> page = await Page(null);
        await CsvAsync(http, "users", csv => Write(csv, page, head: true));
        while (page.Count == CsvRows && !HttpMethods.IsHead(http.Request.Method))
        {
            page = await Page(page[^1].Uid);
            Write(new CsvWriter(http.Response.BodyWriter), page, head: false);
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }

        Task<List<UserTraffic>> Page(string? after) => db.RunAsync(_ => history.UsersAfter(asked.From, asked.To, after, CsvRows));
    }

    private async Task SpansCsv(HttpContext http, TrafficQuery asked, string? uid)
    {
        List<TrafficSpan> page = await Page(asked.From);
        await CsvAsync(http, "history", csv => Write(csv, page, uid, head: true));
        while (page.Count == CsvRows && !HttpMethods.IsHead(http.Request.Method))
        {
            page = await Page(page[^1].Start + asked.Span);
            Write(new CsvWriter(http.Response.BodyWriter), page, uid, head: false);
            await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
        }

        Task<List<TrafficSpan>> Page(long from) => db.RunAsync(_ => history.Spans(uid, from, asked.To, asked.Span, CsvRows, 0).Spans);
    }

    private static void Write(CsvWriter csv, List<UserTraffic> users, bool head)
    {
        if (head)
        {
            csv.Text("uid");
            csv.Text("bytes");
            csv.Text("requests");
            csv.End();
        }
        foreach (UserTraffic user in users)
        {
            csv.Text(user.Uid);
            csv.Number(user.Bytes);
            csv.Number(user.Requests);
            csv.End();
        }
    }

    private static void Write(CsvWriter csv, List<TrafficSpan> spans, string? uid, bool head)
    {
        if (head)
        {
            foreach (string name in (string[])["start_utc", .. uid is null ? [] : (string[])["uid"], "bytes", "requests"])
            {
                csv.Text(name);
            }
            for (int kind = 0; kind < FileKinds.Count; kind++)
            {
                csv.Text(((FileKind)kind).Word());
            }
            csv.End();
        }
        foreach (TrafficSpan span in spans)
        {
            csv.Text(Utc(span.Start));
            if (uid is not null)
            {
                csv.Text(uid);
            }
            csv.Number(span.Bytes);
            csv.Number(span.Requests);
            foreach (long bytes in span.Kinds)
            {
                csv.Number(bytes);
            }
            csv.End();
        }
    }

    private static string Utc(long seconds) =>
        DateTimeOffset.FromUnixTimeSeconds(seconds).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static async Task CsvAsync(HttpContext http, string name, Action<CsvWriter> write)
    {
        http.Response.ContentType = "text/csv; charset=utf-8; header=present";
        http.Response.Headers.ContentDisposition = $"attachment; filename=\"traffic-{name}.csv\"";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.Append("Vary", "Accept");
        if (HttpMethods.IsHead(http.Request.Method))
        {
            return;
        }
        write(new CsvWriter(http.Response.BodyWriter));
        await http.Response.BodyWriter.FlushAsync(http.RequestAborted);
    }

    private static async Task JsonAsync(HttpContext http, Action<Utf8JsonWriter> write)
    {
        using MemoryStream body = new();
        await using (Utf8JsonWriter json = new(body))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.Append("Vary", "Accept");
        http.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(http.Request.Method))
        {
            await http.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), http.RequestAborted);
        }
    }
}
