using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>The JSON of one report, in the contract's words and order. Written once: what is posted is what lies in the outbox.</summary>
internal sealed class ReportBody : IDisposable
{
    private static readonly JsonWriterOptions s_options = new()
    {
        // It is no part of a page: a uid in another script stays readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private static readonly JsonEncodedText
        s_uid = JsonEncodedText.Encode("uid"), s_totalBytes = JsonEncodedText.Encode("total_bytes"),
        s_requestCount = JsonEncodedText.Encode("request_count"), s_fileTypes = JsonEncodedText.Encode("file_types"),
        s_addresses = JsonEncodedText.Encode("unique_ips"), s_sessions = JsonEncodedText.Encode("unique_sessions"),
        s_start = JsonEncodedText.Encode("start_time"), s_last = JsonEncodedText.Encode("last_activity"),
        s_cumulative = JsonEncodedText.Encode("cumulative_bytes");

    private static readonly JsonEncodedText[] s_kinds = [.. Enumerable.Range(0, FileKinds.Count).Select(k => JsonEncodedText.Encode(((FileKind)k).Word()))];

    private readonly ArrayBufferWriter<byte> _bytes = new(64 << 10);
    private readonly Utf8JsonWriter _json;

    /// <param name="id">No two reports ever have the same, not even those of a copy of this data directory.</param>
    public ReportBody(string id, string node, long from, long to)
    {
        Id = id;
        _json = new Utf8JsonWriter(_bytes, s_options);
        _json.WriteStartObject();
        _json.WriteString("report_id", id);
        _json.WriteString("node", node);
        _json.WriteNumber("from", from);
        _json.WriteNumber("to", to);
        _json.WriteStartArray("items");
    }

    public string Id { get; }
    public int Items { get; private set; }
    public long Bytes { get; private set; }

    /// <param name="cumulative">This item included.</param>
    public void Add(string uid, Waiting waiting, long cumulative)
    {
        var counts = waiting.Counts.Payable;
        var bytes = counts.Bytes;
        Items++;
        Bytes += bytes;
        _json.WriteStartObject();
        _json.WriteString(s_uid, uid);
        _json.WriteNumber(s_totalBytes, bytes);
        _json.WriteNumber(s_requestCount, counts.Requests);
        _json.WriteStartObject(s_fileTypes);
        for (var i = 0; i < Counts.Kinds; i++)
        {
            if (counts[i] > 0)
                _json.WriteNumber(s_kinds[i < s_kinds.Length ? i : 0], counts[i]);
        }
        _json.WriteEndObject();
        Write(s_addresses, waiting.Addresses);
        Write(s_sessions, waiting.Sessions);
        _json.WriteNumber(s_start, waiting.Since);
        _json.WriteNumber(s_last, waiting.Last);
        _json.WriteNumber(s_cumulative, cumulative);
        _json.WriteEndObject();
    }

    private void Write(JsonEncodedText name, string[] texts)
    {
        _json.WriteStartArray(name);
        foreach (var text in texts)
            _json.WriteStringValue(text);
        _json.WriteEndArray();
    }

    public byte[] Finish()
    {
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
        return _bytes.WrittenSpan.ToArray();
    }

    public void Dispose() => _json.Dispose();
}
