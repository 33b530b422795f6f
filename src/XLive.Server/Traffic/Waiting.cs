using System.Buffers;
using System.Text;
using XLive.Server.Telemetry;
using XLive.Server.Traffic.Counters;

namespace XLive.Server.Traffic;

/// <summary>Bytes of a user that no report holds yet, and what a report will say of them. Below zero: a debt.</summary>
/// <param name="Since">Unix seconds of the first of them.</param>
internal sealed record Waiting(Counts Counts, long Since, long Last, string[] Addresses, string[] Sessions)
{
    public static readonly Waiting Nothing = new(default, 0, 0, [], []);

    public bool IsNothing => ReferenceEquals(this, Nothing);

    /// <summary>Bytes that can be reported.</summary>
    public long Bytes => Counts.Payable.Bytes;

    public Waiting With(in Counts taken, long since, long last, Origins? from, AddressPrivacy privacy = AddressPrivacy.Full)
    {
        (since, last) = InOrder(since, last);
        return new Waiting(Counts + taken, Since == 0 ? since : Math.Min(Since, since), Math.Max(Last, last),
            from is null ? Addresses : Some(Addresses, from.Texts(privacy), Origins.MostAddresses),
            from is null ? Sessions : Some(Sessions, from.Sessions.ToArray(), Origins.MostSessions));
    }

    /// <summary>The wall clock may have been set back between the two.</summary>
    public static (long Since, long Last) InOrder(long since, long last) => since == 0 || since > last ? (last, Math.Max(since, last)) : (since, last);

    /// <summary>What is left when a report has all that can be reported.</summary>
    public static Waiting After(in Counts counts, in Counts payable)
    {
        var rest = counts - payable;
        return rest.IsZero ? Nothing : new Waiting(rest, 0, 0, [], []);
    }

    private static string[] Some(string[] have, IEnumerable<string> more, int most) =>
        have.Length == 0 ? [.. more.Take(most)] : have.Length >= most ? have : [.. have.Union(more).Take(most)];

    public byte[] Write()
    {
        var to = new ArrayBufferWriter<byte>(64);
        to.Advance(Counts.Write(to.GetSpan(Counts.MostWritten)));
        Put(to, (ulong)Since);
        Put(to, (ulong)Last);
        Put(to, Addresses);
        Put(to, Sessions);
        return to.WrittenSpan.ToArray();
    }

    public static Waiting Read(ReadOnlySpan<byte> from)
    {
        if (from.Length == 0)
            return Nothing;
        var counts = Counts.Read(ref from);
        var since = (long)Varint.Read(ref from);
        var last = (long)Varint.Read(ref from);
        var addresses = Texts(ref from);
        return new Waiting(counts, since, last, addresses, Texts(ref from));
    }

    private static void Put(ArrayBufferWriter<byte> to, ulong value) => to.Advance(Varint.Write(to.GetSpan(Varint.Most), value));

    private static void Put(ArrayBufferWriter<byte> to, string[] texts)
    {
        Put(to, (ulong)texts.Length);
        foreach (var text in texts)
        {
            Put(to, (ulong)Encoding.UTF8.GetByteCount(text));
            to.Advance(Encoding.UTF8.GetBytes(text, to.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
        }
    }

    private static string[] Texts(ref ReadOnlySpan<byte> from)
    {
        var texts = new string[Math.Min((int)Varint.Read(ref from), Origins.MostAddresses)];
        for (var i = 0; i < texts.Length; i++)
        {
            var length = (int)Varint.Read(ref from);
            texts[i] = Encoding.UTF8.GetString(from[..length]);
            from = from[length..];
        }
        return texts;
    }
}

/// <summary>A user's row in the ledger.</summary>
/// <param name="Row">0: he has none yet.</param>
/// <param name="Cumulative">Bytes of all reports of him.</param>
/// <param name="Due">When what waits is reported, however little it is; 0: at the next report; null: nothing waits, or a debt.</param>
internal readonly record struct Standing(long Row, long Cumulative, Waiting Waiting, long? Due)
{
    public static readonly Standing Unknown = new(0, 0, Waiting.Nothing, null);

    public Standing With(Waiting waiting, long now, long minBytes) => this with
    {
        Waiting = waiting,
        Due = waiting.Counts.Payable.IsZero ? null
            : waiting.Bytes >= minBytes ? 0
            : Due ?? now + (long)TrafficOptions.LongestWait.TotalSeconds,
    };

    public Standing Reported()
    {
        var payable = Waiting.Counts.Payable;
        return new Standing(Row, Cumulative + payable.Bytes, Waiting.After(Waiting.Counts, payable), null);
    }

    /// <summary>The same where nothing had waited, and what is reported is what was taken just now.</summary>
    public Standing Reported(in Counts taken, in Counts payable) => new(Row, Cumulative + payable.Bytes, Waiting.After(taken, payable), null);
}
