using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text.RegularExpressions;
using XLive.Fuzz.Engine;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Fuzz.Inputs;

/// <summary>Networks, a line each, "-" before those denied. The set is asked for addresses at their borders, beside a list gone through one by one.</summary>
public sealed partial class CidrFuzzer : Fuzzer<(string[] Allow, string[] Deny)>
{
    private CidrSet? _set;

    public override string Name => "networks";

    public override string Target => "`Cidr`, `CidrSet`";

    // Errors are texts that name the entry, and they are read by the operator: a refusal is a start that failed.
    protected override string[] Tokens { get; } =
    [
        "/", "/0", "/32", "/33", "/128", "/129", "/-1", "/00", "/08", "/+8", "/ 8", ".", ":", "::", "::ffff:", "::ffff:1.2.3.4", "%eth0", "[::1]", "[::1]:80", "0", "256", "010", "0x7f",
        "1", "\n", "\n-", " ", "1.2.3.4", "127.1", "fe80::1%1", "2001:db8::", "::/0", "0.0.0.0/0", "\u0661", "\0", "/96", "::ffff:0:0/96", "::ffff:0.0.0.0/95",
    ];

    protected override string Generate(Dice dice) =>
        string.Join('\n', Enumerable.Range(0, 1 + dice.Below(4)).Select(_ => (dice.OneIn(3) ? "-" : "") + Entry(dice)));

    private static string Entry(Dice dice)
    {
        Span<byte> bytes = stackalloc byte[dice.OneIn(2) ? 4 : 16];
        dice.Fill(bytes);
        if (bytes.Length == 4)
            bytes[0] = 10;
        else
            (bytes[0], bytes[1]) = (0x20, 1);
        if (bytes.Length == 16 && dice.OneIn(4))
            new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }.CopyTo(bytes);
        var prefix = dice.Below((bytes.Length * 8) + 1);
        if (dice.OneIn(6))
            return new IPAddress(bytes).ToString();
        // Host bits are a mistake, so the network is written.
        for (var bit = prefix; bit < bytes.Length * 8 && !dice.OneIn(300); bit++)
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return $"{new IPAddress(bytes)}/{prefix}";
    }

    protected override (string[] Allow, string[] Deny) Read(string input)
    {
        var lines = input.Length > 4096 ? [input] : Wide(input).Split('\n');
        return ([.. lines.Where(static l => !l.StartsWith('-'))], [.. lines.Where(static l => l.StartsWith('-')).Select(static l => l[1..])]);
    }

    protected override bool Parse((string[] Allow, string[] Deny) input)
    {
        try
        {
            _set = CidrSet.Build(input.Allow, input.Deny);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    protected override void Verify((string[] Allow, string[] Deny) input, bool accepted)
    {
        var allow = input.Allow.Select(Reading).ToArray();
        var deny = input.Deny.Select(Reading).ToArray();
        FuzzFailure.Equal(allow.All(static n => n is not null) && deny.All(static n => n is not null), accepted, "all of them networks");
        if (!accepted)
        {
            FuzzFailure.Unless(input.Allow.Concat(input.Deny).Any(e => CidrSet.Fault(e)?.StartsWith($"'{e}'", StringComparison.Ordinal) == true), "the fault names the entry");
            return;
        }
        foreach (var network in allow.Concat(deny).OfType<(BigInteger First, BigInteger Last, int Prefix)>().Take(8))
        {
            foreach (var at in (BigInteger[])[network.First - 1, network.First, network.Last, network.Last + 1])
                Ask(at, allow, deny);
        }
    }

    private void Ask(BigInteger at, (BigInteger First, BigInteger Last, int Prefix)?[] allow, (BigInteger First, BigInteger Last, int Prefix)?[] deny)
    {
        if (at < 0 || at >= BigInteger.One << 128)
            return;
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        var written = at.ToByteArray(isUnsigned: true, isBigEndian: true);
        written.CopyTo(bytes[(16 - written.Length)..]);
        var address = new IPAddress(bytes);
        // An IPv4 rule and a rule over the IPv6 space that holds its mapped form are two families: 0.0.0.0/0 is not ::/0.
        var isV4 = at >> 32 == 0xffff;
        var best = Longest(allow);
        var worst = Longest(deny);
        var expected = best < 0 && worst < 0 ? CidrDecision.None : worst >= best ? CidrDecision.Deny : CidrDecision.Allow;
        FuzzFailure.Equal(expected, _set!.Decide(address), $"{address}");
        if (isV4)
            FuzzFailure.Equal(expected, _set.Decide(address.MapToIPv4()), $"{address.MapToIPv4()}");

        int Longest((BigInteger First, BigInteger Last, int Prefix)?[] networks) => networks.Select(n =>
            n is { } one && one.First <= at && at <= one.Last && (one.First >> 32 == 0xffff && one.Prefix >= 96) == isV4 ? one.Prefix : -1).DefaultIfEmpty(-1).Max();
    }

    /// <summary>As IPv6, an IPv4 network in its mapped form; null for what is no network.</summary>
    private static (BigInteger First, BigInteger Last, int Prefix)? Reading(string entry)
    {
        var parts = entry.Split('/');
        var dotted = Dotted().IsMatch(parts[0]);
        if (parts.Length > 2 || (!dotted && !(Colons().IsMatch(parts[0]) && (!parts[0].Contains('.') || Dotted().IsMatch(parts[0][(parts[0].LastIndexOf(':') + 1)..]))))
            || !IPAddress.TryParse(parts[0], out var address))
            return null;
        var width = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        if (parts.Length == 2 && (!Small().IsMatch(parts[1]) || int.Parse(parts[1]) > width))
            return null;
        var prefix = (parts.Length == 2 ? int.Parse(parts[1]) : width) + 128 - width;
        var first = new BigInteger(address.MapToIPv6().GetAddressBytes(), isUnsigned: true, isBigEndian: true);
        var size = BigInteger.One << (128 - prefix);
        return first % size == 0 ? (first, first + size - 1, prefix) : null;
    }

    [GeneratedRegex(@"\A(?:(?:0|[1-9][0-9]{0,2})(?:\.|\z)){4}(?<=[0-9])\z")]
    private static partial Regex Dotted();

    [GeneratedRegex(@"\A[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\z")]
    private static partial Regex Colons();

    [GeneratedRegex(@"\A(?:0|[1-9][0-9]{0,2})\z")]
    private static partial Regex Small();
}
