using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Storage;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Storage;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;
using XLive.Server.Traffic.History;

namespace XLive.Server.Tests.Traffic.History;

public sealed class TrafficApiTestsOnSqlite() : TrafficApiTests(DatabaseKind.Sqlite);

public sealed class TrafficApiTestsOnPostgres() : TrafficApiTests(DatabaseKind.Postgres);

/// <summary>The operator's questions, over a real port.</summary>
public abstract class TrafficApiTests(DatabaseKind kind)
{
    private const long Start = 20_000 * TrafficHistory.Day;
    private const string Range = "from=2024-10-04&to=2024-10-07";

    private async Task<(GateServer Server, string Bearer)> StartAsync()
    {
        string url = kind.NewUrl();
        GateServer server = await GateServer.StartAsync(rest: $"auth:\n  admin_password: {GateServer.AdminPassword}\n"
            + (url.Length > 0 ? $"database:\n  url: \"{url}\"\n" : ""));
        return (server, "Authorization: Bearer " + await RouteTests.SignIn(server));
    }

    private static Task Add(GateServer server, long number, long hour, params (string Uid, long Ts, long Requests)[] users) =>
        server.Services.GetRequiredService<Database>().RunAsync(_ => server.Services.GetRequiredService<TrafficHistory>().Add(new HistoryBatch("node", number, DateTimeOffset.FromUnixTimeSeconds(hour), [.. users.Select(u =>
        {
            Counts counts = default;
            counts[(int)FileKind.Ts] = u.Ts;
            counts.Requests = u.Requests;
            return new HistoryDelta(u.Uid, counts);
        })])));

    [Fact]
    public async Task Users_and_their_hours_are_told_page_by_page()
    {
        (GateServer server, string bearer) = await StartAsync();
        await using (server)
        {
            await Add(server, 1, Start, ("a", 300, 1), ("b", 200, 9), ("c", 100, 5));
            await Add(server, 2, Start + TrafficHistory.Day, ("a", 7, 1));
            using JsonDocument first = JsonDocument.Parse((await server.Get($"/api/v1/traffic/users?{Range}&limit=2", bearer)).Body);
            Assert.Equal(["a", "b"], first.RootElement.GetProperty("users").EnumerateArray().Select(u => u.GetProperty("uid").GetString()));
            Assert.Equal((607, 16, 3, 2), (first.RootElement.GetProperty("total").GetProperty("bytes").GetInt64(),
                first.RootElement.GetProperty("total").GetProperty("requests").GetInt64(), first.RootElement.GetProperty("users_total").GetInt64(),
                first.RootElement.GetProperty("next_offset").GetInt64()));
            using JsonDocument second = JsonDocument.Parse((await server.Get($"/api/v1/traffic/users?{Range}&limit=2&offset=2", bearer)).Body);
            Assert.Equal("c", second.RootElement.GetProperty("users")[0].GetProperty("uid").GetString());
            Assert.Equal(JsonValueKind.Null, second.RootElement.GetProperty("next_offset").ValueKind);
            using JsonDocument busiest = JsonDocument.Parse((await server.Get($"/api/v1/traffic/users?{Range}&sort=requests&limit=1", bearer)).Body);
            Assert.Equal("b", busiest.RootElement.GetProperty("users")[0].GetProperty("uid").GetString());

            foreach (string path in (string[])["/api/v1/traffic/users/a?", "/api/v1/traffic/history?uid=a&"])
            {
                using JsonDocument days = JsonDocument.Parse((await server.Get($"{path}{Range}&by=day", bearer)).Body);
                JsonElement[] items = [.. days.RootElement.GetProperty("items").EnumerateArray()];
                Assert.Equal(["2024-10-04T00:00:00Z", "2024-10-05T00:00:00Z"], items.Select(i => i.GetProperty("start_utc").GetString()));
                Assert.Equal((300, 307), (items[0].GetProperty("file_types").GetProperty("ts").GetInt64(), days.RootElement.GetProperty("total").GetProperty("bytes").GetInt64()));
            }
            using JsonDocument all = JsonDocument.Parse((await server.Get($"/api/v1/traffic/history?{Range}&by=hour", bearer)).Body);
            Assert.Equal([600, 7], all.RootElement.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("bytes").GetInt64()));
            using JsonDocument nobody = JsonDocument.Parse((await server.Get($"/api/v1/traffic/users/nobody?{Range}", bearer)).Body);
            Assert.Equal(0, nobody.RootElement.GetProperty("total").GetProperty("bytes").GetInt64());
            Assert.Equal("", (await server.Ask("HEAD", $"/api/v1/traffic/users?{Range}&format=csv", bearer)).Text);
        }
    }

    [Theory]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=2024-13-01", "from")]
    [InlineData("from=2024-10-05&to=2024-10-05", "from")]
    [InlineData("to=-1", "to")]
    [InlineData("to=99999999999999999999", "to")]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=10001", "limit")]
    [InlineData("limit=-1", "limit")]
    [InlineData("limit=2147483648", "limit")]
    [InlineData("offset=-1", "offset")]
    [InlineData("offset=99999999999", "offset")]
    [InlineData("sort=name", "sort")]
    [InlineData("by=week", "by")]
    [InlineData("format=xml", "format")]
    [InlineData("limit=1&limit=2", "limit")]
    public async Task A_wrong_parameter_is_named(string query, string name)
    {
        (GateServer server, string bearer) = await StartAsync();
        await using (server)
        {
            foreach (string path in (string[])["/api/v1/traffic/users", "/api/v1/traffic/users/u", "/api/v1/traffic/history"])
            {
                Reply reply = await server.Get($"{path}?{query}", bearer);
                Assert.Equal((400, "application/problem+json"), (reply.Status, reply["Content-Type"]));
                Assert.Contains($"parameter {name} ", reply.Text, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task CSV_is_whole_and_no_uid_becomes_a_formula_or_a_line()
    {
        (GateServer server, string bearer) = await StartAsync();
        await using (server)
        {
            using HttpClient http = new() { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}") };
            async Task<string> Csv(string path, params string[] headers)
            {
                using HttpRequestMessage request = new(HttpMethod.Get, path);
                foreach (string header in (string[])[bearer, .. headers])
                {
                    request.Headers.TryAddWithoutValidation(header[..header.IndexOf(':', StringComparison.Ordinal)], header[(header.IndexOf(':', StringComparison.Ordinal) + 2)..]);
                }
                using HttpResponseMessage answer = await http.SendAsync(request);
                Assert.Equal((200, "text/csv", true), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, answer.Headers.CacheControl?.NoStore));
                return await answer.Content.ReadAsStringAsync();
            }
            string[] odd = ["=1+2", "+x", "-x", "@x", "\tx", "a,b", "a\"b", "a\nb", "a\r\nb", "plain", "\u00fc", "a b"];
            await Add(server, 1, Start, [.. odd.Select(uid => (uid, 10L, 1L)), .. Enumerable.Range(0, 2500).Select(i => ($"z{i:0000}", 1L, 1L))]);
            foreach (string[] ask in (string[][])[[$"/api/v1/traffic/users?{Range}&format=csv"], [$"/api/v1/traffic/users?{Range}", "Accept: text/csv"]])
            {
                List<string[]> rows = Rfc4180(await Csv(ask[0], ask[1..]));
                Assert.Equal(["uid", "bytes", "requests"], rows[0]);
                Assert.Equal(odd.Length + 2500, rows.Count - 1);
                Assert.Equal(odd.Length * 10 + 2500, rows.Skip(1).Sum(r => long.Parse(r[1], System.Globalization.CultureInfo.InvariantCulture)));
                Assert.All(rows, r => Assert.Equal(3, r.Length));
                HashSet<string> uids = [.. rows.Select(r => r[0])];
                Assert.All(odd, uid => Assert.Contains("=+-@\t".Contains(uid[0], StringComparison.Ordinal) ? "'" + uid : uid, uids));
                Assert.DoesNotContain(uids, uid => "=+-@\t\r".Contains(uid[0], StringComparison.Ordinal));
            }
            List<string[]> page = Rfc4180(await Csv($"/api/v1/traffic/users?{Range}&format=csv&limit=3"));
            Assert.Equal(4, page.Count);

            for (int i = 0; i < 1500; i++)
            {
                await Add(server, 2 + i, Start - i * TrafficHistory.Hour, ("long", 2, 1));
            }
            List<string[]> hours = Rfc4180(await Csv("/api/v1/traffic/users/long?from=0&to=2024-10-07&format=csv"));
            Assert.Equal(["start_utc", "uid", "bytes", "requests", "other", "m3u8", "ts"], hours[0][..7]);
            Assert.Equal((1500, 3000L), (hours.Count - 1, hours.Skip(1).Sum(r => long.Parse(r[2], System.Globalization.CultureInfo.InvariantCulture))));
            Assert.Equal(hours.Skip(1).Select(r => r[0]).Order(StringComparer.Ordinal), hours.Skip(1).Select(r => r[0]));
        }
    }

    /// <summary>A reader as the RFC describes one, so that the writer is not checked against itself.</summary>
    private static List<string[]> Rfc4180(string text)
    {
        List<string[]> rows = [];
        List<string> row = [];
        System.Text.StringBuilder field = new();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted)
            {
                if (c != '"')
                {
                    field.Append(c);
                }
                else if (i + 1 < text.Length && text[i + 1] == '"')
                {
                    field.Append(text[++i]);
                }
                else
                {
                    quoted = false;
                }
            }
            else if (c == '"')
            {
                Assert.Equal(0, field.Length);
                quoted = true;
            }
            else if (c == ',' || (c == '\r' && i + 1 < text.Length && text[i + 1] == '\n'))
            {
                row.Add(field.ToString());
                field.Clear();
                if (c == '\r')
                {
                    i++;
                    rows.Add([.. row]);
                    row.Clear();
                }
            }
            else
            {
                Assert.NotEqual('\n', c);
                field.Append(c);
            }
        }
        Assert.False(quoted);
        Assert.Empty(row);
        return rows;
    }
}
