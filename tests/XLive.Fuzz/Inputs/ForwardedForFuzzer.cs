using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Primitives;
using XLive.Fuzz.Engine;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Fuzz.Inputs;

/// <summary>X-Forwarded-For behind trusted proxies, and X-Forwarded-Proto on its last line: who the client is, and no stranger's word for it.</summary>
public sealed partial class ForwardedForFuzzer : Fuzzer<(StringValues For, StringValues Proto)>
{
    private static readonly CidrSet Proxies = CidrSet.Of(["10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1"]);
    private static readonly IPAddress Peer = IPAddress.Parse("10.0.0.1");

    private IPAddress _client = Peer;
    private bool? _isHttps;

    public override string Name => "forwarded-for";

    public override string Target => "`ForwardedFor`";

    protected override string[] Tokens { get; } =
    [
        ",", ", ", ",,", "\n", " ", "\t", "10.0.0.2", "10.9.9.9, ", "192.0.2.7", "192.0.2.7:4711", "[2001:db8::7]", "[2001:db8::7]:4711", "2001:db8:1::3", "::ffff:10.0.0.3", "::ffff:192.0.2.9",
        "unknown", "_hidden", "for=", "\"", "[", "]", ":", "%eth0", "010.0.0.1", "0x0a.1", "1.2.3", "256.1.1.1", "https", "http", "HTTPS", "\u0661", "\0", ":65536", ":0", ":", "[::1", "[1.2.3.4]",
    ];

    protected override string Generate(Dice dice)
    {
        var hops = Enumerable.Range(0, dice.OneIn(30) ? dice.Below(200) : dice.Below(5)).Select(_ => Hop(dice)).ToArray();
        return string.Join(dice.Pick(",", ", ", ", ", "\n"), hops) + "\n" + dice.Pick("https", "http", "http, https", "");
    }

    private static string Hop(Dice dice)
    {
        var proxy = $"10.{dice.Below(256)}.{dice.Below(256)}.{dice.Below(256)}";
        return dice.Below(8) switch
        {
            0 => dice.Pick("unknown", "_x", "", "192.0.2.1:99999", "[10.0.0.1]"),
            1 => $"192.0.2.{dice.Below(256)}",
            2 => $"192.0.2.{dice.Below(256)}:{dice.Below(65536)}",
            3 => $"2001:db8:{dice.Below(3):x}::{dice.Below(65536):x}",
            4 => $"[2001:db8:1::{dice.Below(65536):x}]:{dice.Below(65536)}",
            5 => "::ffff:" + proxy,
            _ => proxy,
        };
    }

    protected override (StringValues For, StringValues Proto) Read(string input)
    {
        var lines = Wide(input).Split('\n');
        return (lines[..^1].Length == 0 ? default : new StringValues(lines[..^1]), lines[^1].Length == 0 ? default : new StringValues(lines[^1]));
    }

    protected override bool Parse((StringValues For, StringValues Proto) input)
    {
        _client = ForwardedFor.Client(input.For, Peer, Proxies);
        _isHttps = ForwardedFor.IsHttps(input.Proto);
        return !_client.Equals(Peer);
    }

    protected override void Verify((StringValues For, StringValues Proto) input, bool accepted)
    {
        var expected = Peer;
        var entries = string.Join(',', input.For.ToArray()).Split(',').Select(static e => e.Trim(' ', '\t')).Where(static e => e.Length > 0).Reverse().Take(ForwardedFor.MostHops);
        foreach (var entry in entries)
        {
            if (!IsTrusted(expected) || Reading(entry) is not { } address)
                break;
            expected = address;
        }
        FuzzFailure.Equal(expected, _client, "client");
        var scheme = input.Proto.Count == 0 ? "" : input.Proto.ToString().Split(',')[0].Trim(' ', '\t').ToUpperInvariant();
        FuzzFailure.Equal(scheme switch { "HTTPS" => true, "HTTP" => false, _ => (bool?)null }, _isHttps, "https");
    }

    private static bool IsTrusted(IPAddress address) => address.ToString() is var text
        && (text.StartsWith("10.", StringComparison.Ordinal) || text == "127.0.0.1" || address.MapToIPv6().GetAddressBytes().AsSpan(0, 6).SequenceEqual((byte[])[0x20, 1, 0x0d, 0xb8, 0, 1]));

    private static IPAddress? Reading(string entry)
    {
        var found = Entry().Match(entry);
        if (!found.Success || (found.Groups["port"].Success && int.Parse(found.Groups["port"].Value) > 65535))
            return null;
        var text = found.Groups["v4"].Success ? found.Groups["v4"].Value : found.Groups["v6"].Value;
        if (found.Groups["v6"].Success && text.Contains('.') && !Dotted().IsMatch(text[(text.LastIndexOf(':') + 1)..]))
            return null;
        return IPAddress.TryParse(text, out var address) ? address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address : null;
    }

    [GeneratedRegex(@"\A(?:(?<v4>(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3})(?::(?<port>0|[1-9][0-9]{0,4}))?|\[(?<v6>[0-9a-fA-F.]*:[0-9a-fA-F:.]*)\](?::(?<port>0|[1-9][0-9]{0,4}))?|(?<v6>[0-9a-fA-F.]*:[0-9a-fA-F.]*:[0-9a-fA-F:.]*))\z")]
    private static partial Regex Entry();

    [GeneratedRegex(@"\A(?:(?:0|[1-9][0-9]{0,2})(?:\.|\z)){4}(?<=[0-9])\z")]
    private static partial Regex Dotted();
}
