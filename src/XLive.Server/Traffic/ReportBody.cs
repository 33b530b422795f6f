using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>
/// The JSON of a report, in the contract's words and order. Written once: what is posted is what lies in the outbox. One after the other in the
/// same memory, a megabyte or two with as many users as a report may have. By hand: Utf8JsonWriter took twice the time, and that is a sixth of
/// what a cut of 10,000 users takes.
/// </summary>
internal sealed class ReportBody
{
    // It is no part of a page: a uid in another script stays readable.
    private static readonly JavaScriptEncoder s_encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    private static readonly SearchValues<char> s_plain = SearchValues.Create(
        [.. Enumerable.Range(' ', '~' - ' ' + 1).Select(static c => (char)c).Where(static c => c is not ('"' or '\\'))]);

    private static readonly byte[][] s_kinds =
        [.. Enumerable.Range(0, Counts.Kinds).Select(static k => Encoding.ASCII.GetBytes($"\"{((FileKind)(k < FileKinds.Count ? k : 0)).Word()}\":"))];

    private byte[] _bytes = new byte[64 << 10];
    private int _length;

    public string Id { get; private set; } = "";
    public int Items { get; private set; }
    public long Bytes { get; private set; }

    /// <param name="id">No two reports ever have the same, not even those of a copy of this data directory.</param>
    public void Begin(string id, string node, long from, long to)
    {
        Forget();
        Id = id;
        Put("{\"report_id\":"u8);
        Put(id);
        Put(",\"node\":"u8);
        Put(node);
        Put(",\"from\":"u8, from);
        Put(",\"to\":"u8, to);
        Put(",\"items\":["u8);
    }

    /// <param name="cumulative">This item included.</param>
    public void Add(string uid, Waiting waiting, long cumulative)
    {
        Begin(uid, waiting.Counts.Payable);
        Put(",\"unique_ips\":["u8);
        Put(waiting.Addresses);
        Put("],\"unique_sessions\":["u8);
        Put(waiting.Sessions);
        End((waiting.Since, waiting.Last), cumulative);
    }

    /// <summary>The same of what did not wait.</summary>
    public void Add(string uid, in Counts payable, (long Since, long Last) time, Origins origins, AddressPrivacy privacy, long cumulative)
    {
        Begin(uid, payable);
        Put(",\"unique_ips\":["u8);
        if (privacy == AddressPrivacy.Full)
            Put(origins.Addresses);
        else
            Put([.. origins.Texts(privacy)]);
        Put("],\"unique_sessions\":["u8);
        Put(origins.Sessions);
        End(time, cumulative);
    }

    private void Begin(string uid, in Counts payable)
    {
        var bytes = payable.Bytes;
        Put(Items == 0 ? "{\"uid\":"u8 : ",{\"uid\":"u8);
        Put(uid);
        Put(",\"total_bytes\":"u8, bytes);
        Put(",\"request_count\":"u8, payable.Requests);
        Put(",\"file_types\":{"u8);
        var isFirst = true;
        for (var i = 0; i < Counts.Kinds; i++)
        {
            if (payable[i] <= 0)
                continue;
            Put(isFirst ? ""u8 : ","u8);
            Put(s_kinds[i], payable[i]);
            isFirst = false;
        }
        Put("}"u8);
        Items++;
        Bytes += bytes;
    }

    private void End((long Since, long Last) time, long cumulative)
    {
        Put("],\"start_time\":"u8, time.Since);
        Put(",\"last_activity\":"u8, time.Last);
        Put(",\"cumulative_bytes\":"u8, cumulative);
        Put("}"u8);
    }

    /// <summary>Good until the next begins.</summary>
    public SqlValue Finish()
    {
        Put("]}"u8);
        return SqlValue.Of(_bytes, _length);
    }

    public void Forget()
    {
        _length = 0;
        Items = 0;
        Bytes = 0;
    }

    private void Put(ReadOnlySpan<byte> json)
    {
        json.CopyTo(Room(json.Length));
        _length += json.Length;
    }

    private void Put(ReadOnlySpan<byte> name, long number)
    {
        var room = Room(name.Length + 20);
        name.CopyTo(room);
        number.TryFormat(room[name.Length..], out var digits);
        _length += name.Length + digits;
    }

    private void Put(string text)
    {
        var plain = text.AsSpan().ContainsAnyExcept(s_plain) ? s_encoder.Encode(text) : text;
        var room = Room(Encoding.UTF8.GetMaxByteCount(plain.Length) + 2);
        room[0] = (byte)'"';
        var length = Encoding.UTF8.GetBytes(plain, room[1..]);
        room[length + 1] = (byte)'"';
        _length += length + 2;
    }

    private void Put(ReadOnlySpan<string> texts)
    {
        for (var i = 0; i < texts.Length; i++)
        {
            Put(i == 0 ? ""u8 : ","u8);
            Put(texts[i]);
        }
    }

    private void Put(ReadOnlySpan<IPAddress> addresses)
    {
        const int longest = 56; // with a scope, which has 32 bits
        for (var i = 0; i < addresses.Length; i++)
        {
            var room = Room(longest + 3);
            var at = 0;
            if (i > 0)
                room[at++] = (byte)',';
            room[at++] = (byte)'"';
            addresses[i].TryFormat(room[at..], out var length);
            at += length;
            room[at++] = (byte)'"';
            _length += at;
        }
    }

    private Span<byte> Room(int length)
    {
        if (_bytes.Length - _length < length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + length));
        return _bytes.AsSpan(_length);
    }
}
