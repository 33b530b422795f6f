using System.Net;
using static System.Buffers.Binary.BinaryPrimitives;

namespace XLive.Server.Door.Clients;

public enum CidrDecision : byte { None, Allow, Deny }

/// <summary>
/// Allowed and denied networks. The longest prefix decides, deny on a tie. Networks nest or are disjoint, so they are flattened
/// once into ranges that carry the final decision, and a lookup is one binary search however many entries there are.
/// Immutable; safe for all threads.
/// </summary>
public sealed class CidrSet
{
    public static readonly CidrSet Empty = new(CidrRanges<uint>.None, CidrRanges<UInt128>.None, allowsAll: true, 0);

    private readonly CidrRanges<uint> _v4;
    private readonly CidrRanges<UInt128> _v6;
    private readonly bool _allowsAll;

    private CidrSet(CidrRanges<uint> v4, CidrRanges<UInt128> v6, bool allowsAll, int count)
    {
        _v4 = v4;
        _v6 = v6;
        _allowsAll = allowsAll;
        Count = count;
    }

    public int Count { get; }

    /// <exception cref="FormatException">An entry is not a network; the message names it.</exception>
    public static CidrSet Build(IEnumerable<string> allow, IEnumerable<string> deny)
    {
        var small = new List<CidrRange<uint>>();
        var large = new List<CidrRange<UInt128>>();
        Add(allow, CidrDecision.Allow);
        int allowed = small.Count + large.Count;
        Add(deny, CidrDecision.Deny);
        return new CidrSet(CidrRanges<uint>.Flatten(small), CidrRanges<UInt128>.Flatten(large), allowed == 0, small.Count + large.Count);

        void Add(IEnumerable<string> entries, CidrDecision decision)
        {
            foreach (string entry in entries)
            {
                Cidr cidr = Cidr.Parse(entry);
                if (cidr.IsV4)
                    small.Add(new((uint)cidr.First, (uint)cidr.Last, cidr.Prefix, decision));
                else
                    large.Add(new(cidr.First, cidr.Last, cidr.Prefix, decision));
            }
        }
    }

    /// <summary>A plain list: who is in it and who is not.</summary>
    public static CidrSet Of(IEnumerable<string> entries) => Build(entries, []);

    /// <summary>What is wrong with one entry, or null.</summary>
    public static string? Fault(string entry) => Cidr.TryParse(entry, out _, out string? fault) ? null : fault;

    public bool Contains(IPAddress address) => Decide(address) == CidrDecision.Allow;

    /// <summary>An allow list lets in only those on it; without one, everybody who is not denied.</summary>
    public bool Admits(IPAddress address)
    {
        CidrDecision decision = Decide(address);
        return decision == CidrDecision.Allow || (decision == CidrDecision.None && _allowsAll);
    }

    public CidrDecision Decide(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int length))
            return CidrDecision.None;
        if (length == 4)
            return _v4.Find(ReadUInt32BigEndian(bytes));
        UInt128 value = ReadUInt128BigEndian(bytes);
        // A dual-stack socket shows an IPv4 client as ::ffff:a.b.c.d; the rule written for a.b.c.d must hold for it.
        return value >> 32 == Cidr.MappedPrefix ? _v4.Find((uint)value) : _v6.Find(value);
    }
}
