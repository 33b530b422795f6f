using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Server.Tests.Door;

public class ForwardedForTests
{
    private static readonly CidrSet Proxies = CidrSet.Of(["10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1"]);
    private static readonly IPAddress Peer = IPAddress.Parse("10.0.0.1");

    [Theory]
    [InlineData("", "10.0.0.1")]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData(" \t192.0.2.7\t ", "192.0.2.7")]
    [InlineData("198.51.100.66, 192.0.2.7", "192.0.2.7")]
    [InlineData("198.51.100.66,192.0.2.7,10.0.0.2, 10.0.0.3", "192.0.2.7")]
    [InlineData("10.0.0.9, 10.0.0.8", "10.0.0.9")]
    [InlineData("127.0.0.1, 192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8::7", "2001:db8::7")]
    [InlineData("2001:db8::7, 2001:db8:1::5", "2001:db8::7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("192.0.2.7, ::ffff:10.0.0.2", "192.0.2.7")]
    // Some write ports.
    [InlineData("192.0.2.7:4711", "192.0.2.7")]
    [InlineData("192.0.2.7:", "10.0.0.1")]
    [InlineData("192.0.2.7:65536", "10.0.0.1")]
    [InlineData("192.0.2.7:x", "10.0.0.1")]
    [InlineData("[2001:db8::7]", "2001:db8::7")]
    [InlineData("[2001:db8::7]:80", "2001:db8::7")]
    [InlineData("[::ffff:192.0.2.7]:80", "192.0.2.7")]
    [InlineData("[2001:db8::7", "10.0.0.1")]
    [InlineData("[2001:db8::7]80", "10.0.0.1")]
    [InlineData("[192.0.2.7]:80", "10.0.0.1")]
    [InlineData("[]", "10.0.0.1")]
    [InlineData("[]:80", "10.0.0.1")]
    // Empty elements are none.
    [InlineData(",", "10.0.0.1")]
    [InlineData(" , ,, ", "10.0.0.1")]
    [InlineData("192.0.2.7,", "192.0.2.7")]
    [InlineData("192.0.2.7,, ,10.0.0.2", "192.0.2.7")]
    // What is no address ends the list; the last good one counts.
    [InlineData("unknown", "10.0.0.1")]
    [InlineData("192.0.2.7, unknown", "10.0.0.1")]
    [InlineData("192.0.2.7, unknown, 10.0.0.2", "10.0.0.2")]
    [InlineData("unknown, 192.0.2.7", "192.0.2.7")]
    [InlineData("192.0.2.7, _hidden, 10.0.0.2", "10.0.0.2")]
    [InlineData("for=192.0.2.7", "10.0.0.1")]
    [InlineData("\"192.0.2.7\"", "10.0.0.1")]
    [InlineData("192.0.2.7 10.0.0.2", "10.0.0.1")]
    [InlineData("192.0.2.7;10.0.0.2", "10.0.0.1")]
    [InlineData("192.0.2", "10.0.0.1")]
    [InlineData("192.0.2.256", "10.0.0.1")]
    [InlineData("192.0.2.07", "10.0.0.1")]
    [InlineData("3221225991", "10.0.0.1")]
    [InlineData("0x7f.1", "10.0.0.1")]
    [InlineData("192.0.2.7\u0001", "10.0.0.1")]
    [InlineData("192.0.2.7\0", "10.0.0.1")]
    [InlineData("\u0661\u0669\u0662.0.2.7", "10.0.0.1")]
    [InlineData("fe80::1%eth0", "10.0.0.1")]
    [InlineData("[fe80::1%25eth0]:80", "10.0.0.1")]
    [InlineData("2001:db8::7::1", "10.0.0.1")]
    [InlineData("2001:db8::7/64", "10.0.0.1")]
    [InlineData("example.org", "10.0.0.1")]
    public void Client_is_the_rightmost_that_is_no_proxy(string text, string client) =>
        Assert.Equal(client, ForwardedFor.Client(text, Peer, Proxies).ToString());

    [Fact]
    public void Several_lines_are_one_list()
    {
        Assert.Equal("192.0.2.7", ForwardedFor.Client(new StringValues(["198.51.100.66", "192.0.2.7", "10.0.0.2"]), Peer, Proxies).ToString());
        Assert.Equal("192.0.2.7", ForwardedFor.Client(new StringValues(["192.0.2.7, 10.0.0.4", "10.0.0.3,10.0.0.2"]), Peer, Proxies).ToString());
        Assert.Equal("10.0.0.3", ForwardedFor.Client(new StringValues(["192.0.2.7, x", "10.0.0.3,10.0.0.2"]), Peer, Proxies).ToString());
        Assert.Equal("192.0.2.7", ForwardedFor.Client(new StringValues([null, "192.0.2.7", ""]), Peer, Proxies).ToString());
    }

    [Fact]
    public void Ten_thousand_entries_are_not_followed()
    {
        var own = string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"10.1.{i / 250}.{i % 250}"));
        Assert.Equal(ForwardedFor.MostHops, Steps(own));
        // The nearest 64 are; what they lead to is the last good one.
        Assert.Equal("10.1.39.186", ForwardedFor.Client(own, Peer, Proxies).ToString());
        Assert.Equal("192.0.2.7", ForwardedFor.Client(string.Join(',', Enumerable.Repeat("198.51.100.66", 10_000)) + ",192.0.2.7", Peer, Proxies).ToString());
        Assert.Equal(Peer, ForwardedFor.Client(new string(',', 30_000), Peer, Proxies));
        Assert.Equal(Peer, ForwardedFor.Client(new string(':', 30_000), Peer, Proxies));
        Assert.Equal(Peer, ForwardedFor.Client(new string('1', 30_000), Peer, Proxies));
        Assert.Equal(Peer, ForwardedFor.Client(new string('.', 30_000), Peer, Proxies));
    }

    /// <summary>How far to the left the list is read: from there on a stranger's address no longer shows.</summary>
    private static int Steps(string own)
    {
        var entries = own.Split(',');
        for (var n = 1; n <= entries.Length; n++)
        {
            entries[^n] = "192.0.2.7";
            if (ForwardedFor.Client(string.Join(',', entries), Peer, Proxies).ToString() != "192.0.2.7")
                return n - 1;
            entries[^n] = "10.0.0.2";
        }
        return entries.Length;
    }

    [Theory]
    [InlineData("https", true)]
    [InlineData("HTTPS", true)]
    [InlineData("http", false)]
    [InlineData(" https , http", true)]
    [InlineData("http,https", false)]
    [InlineData("", null)]
    [InlineData("wss", null)]
    [InlineData("https://", null)]
    [InlineData(",https", null)]
    public void Scheme_is_what_the_outermost_proxy_saw(string text, bool? isHttps) => Assert.Equal(isHttps, ForwardedFor.IsHttps(text));

    [Fact]
    public void Untrusted_peer_says_nothing_about_itself()
    {
        var exchange = MakeExchange("203.0.113.5", out var headers);
        headers["X-Forwarded-For"] = "192.0.2.7";
        headers["X-Forwarded-Proto"] = "https";
        exchange.FindClient(Proxies);
        Assert.Equal(("203.0.113.5", false, false), (exchange.Remote.ToString(), exchange.IsHttps, exchange.IsShared));
    }

    [Fact]
    public void Each_request_of_a_connection_has_its_own_client_and_the_same_text_costs_nothing()
    {
        var exchange = MakeExchange("::ffff:10.0.0.1", out var headers);
        headers["X-Forwarded-For"] = "192.0.2.7";
        headers["X-Forwarded-Proto"] = "https";
        exchange.FindClient(Proxies);
        var first = exchange.Remote;
        Assert.Equal(("192.0.2.7", true, true, false), (first.ToString(), exchange.IsHttps, exchange.IsShared, exchange.IsTls));

        // As Kestrel does it: the same text in another string.
        headers["X-Forwarded-For"] = new string("192.0.2.7".AsSpan());
        var before = GC.GetAllocatedBytesForCurrentThread();
        exchange.FindClient(Proxies);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Same(first, exchange.Remote);

        headers["X-Forwarded-For"] = "192.0.2.8";
        headers["X-Forwarded-Proto"] = "http";
        exchange.FindClient(Proxies);
        Assert.Equal(("192.0.2.8", false), (exchange.Remote.ToString(), exchange.IsHttps));

        headers.Remove("X-Forwarded-For");
        exchange.FindClient(Proxies);
        Assert.Equal("10.0.0.1", exchange.Remote.ToString());
    }

    [Fact]
    public void Trust_that_is_taken_back_is_gone_with_the_next_request()
    {
        var exchange = MakeExchange("10.0.0.1", out var headers);
        headers["X-Forwarded-For"] = "192.0.2.7";
        headers["X-Forwarded-Proto"] = "https";
        exchange.FindClient(Proxies);
        Assert.Equal("192.0.2.7", exchange.Remote.ToString());
        exchange.FindClient(CidrSet.Of([]));
        Assert.Equal(("10.0.0.1", false, false), (exchange.Remote.ToString(), exchange.IsHttps, exchange.IsShared));
        exchange.FindClient(CidrSet.Of(["10.0.0.1", "192.0.2.7"]));
        Assert.Equal("192.0.2.7", exchange.Remote.ToString());
    }

    private static Exchange MakeExchange(string peer, out IHeaderDictionary headers)
    {
        var request = new HttpRequestFeature { Method = "GET", Protocol = "HTTP/1.1" };
        headers = request.Headers;
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = IPAddress.Parse(peer) });
        return new Exchange(features);
    }
}
