using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using XLive.Server.Telemetry;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Tests.Traffic;

public sealed class ReportBodyTests
{
    private static readonly JsonSerializerOptions s_relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Theory]
    [InlineData("plain-07 ~")]
    [InlineData("")]
    [InlineData("say \"no\" \\ / \b\f\n\r\t\u0001\u007f")]
    [InlineData("Ærøskøbing кот 猫 😀")]
    [InlineData("\u2028\u2029\u00a0\ufeff\ufffe")]
    [InlineData("half a pair \ud83d, and the other \ude00")]
    public void Texts_stand_as_the_platform_writes_them(string text)
    {
        var body = new ReportBody();
        body.Begin("r", "n", 1, 2);
        body.Add(text, Waiting(text), 7);
        Assert.Equal($$"""{"report_id":"r","node":"n","from":1,"to":2,"items":[{{Item(text)}}]}""", Text(body));
    }

    [Fact]
    public void What_waited_and_what_did_not_read_the_same()
    {
        IPAddress[] from = [.. "192.0.2.1 255.255.255.255 ::1 2001:db8:1234:5678:9abc:def0:1234:5678 ::ffff:203.0.113.250 fe80::1%4294967295".Split(' ').Select(IPAddress.Parse)];
        foreach (var privacy in Enum.GetValues<AddressPrivacy>())
        {
            var origins = new Origins();
            foreach (var address in from)
                origins.Note(address, $"of {address}");
            Counts counts = default;
            for (var i = 0; i < Counts.Length; i++)
                counts[i] = i % 3 == 2 ? 0 : long.MaxValue / 64 - i;
            ReportBody waited = new(), at = new();
            waited.Begin("r", "n", 1, 2);
            at.Begin("r", "n", 1, 2);
            // Beyond the first 64 KiB, where the memory grows.
            for (var i = 0; i < 200; i++)
            {
                waited.Add($"u{i}", XLive.Server.Traffic.Waiting.Nothing.With(counts, 3, 4, origins, privacy), long.MaxValue);
                at.Add($"u{i}", counts, (3, 4), origins, privacy, long.MaxValue);
            }
            var text = Text(at);
            Assert.Equal(Text(waited), text);
            Assert.Equal(200, JsonNode.Parse(text)!["items"]!.AsArray().Count);
            if (privacy == AddressPrivacy.Full)
                Assert.Equal(from.Select(static a => a.ToString()), JsonNode.Parse(text)!["items"]![199]!["unique_ips"]!.AsArray().Select(static a => (string)a!));
        }
    }

    [Fact]
    public void Nothing_of_the_one_before_is_in_the_next()
    {
        var body = new ReportBody();
        body.Begin("first", "n", 1, 2);
        body.Add("a", Waiting("a"), 7);
        body.Add("b", Waiting("b"), 7);
        Assert.Equal((2, 14L), (body.Items, body.Bytes));
        body.Begin("r", "n", 1, 2);
        body.Add("c", Waiting("c"), 7);
        Assert.Equal((1, 7L), (body.Items, body.Bytes));
        Assert.Equal($$"""{"report_id":"r","node":"n","from":1,"to":2,"items":[{{Item("c")}}]}""", Text(body));
    }

    private static Waiting Waiting(string text)
    {
        Counts counts = default;
        counts[(int)FileKind.Ts] = 7;
        counts.Requests = 2;
        return new Waiting(counts, 3, 4, [text, "192.0.2.1"], [text]);
    }

    private static string Item(string text) => new JsonObject
    {
        ["uid"] = text,
        ["total_bytes"] = 7,
        ["request_count"] = 2,
        ["file_types"] = new JsonObject { ["ts"] = 7 },
        ["unique_ips"] = new JsonArray(text, "192.0.2.1"),
        ["unique_sessions"] = new JsonArray(text),
        ["start_time"] = 3,
        ["last_activity"] = 4,
        ["cumulative_bytes"] = 7,
    }.ToJsonString(s_relaxed);

    private static string Text(ReportBody body) => Encoding.UTF8.GetString(body.Finish().Bytes.Span);
}
