using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Sessions;
using XLive.Server.Traffic;

namespace XLive.Benchmarks;

/// <summary>
/// Viewers as the door sees them: each on a connection of his own, with his own link to a film in a directory of its own, and then on
/// his session's path. What a browser sends with a segment is on every request. The measured requests share one exchange: Kestrel and
/// the door have just filled it when the gate is asked, so it lies in the processor's cache, whoever's it is. All else that belongs to
/// a viewer does not: what the gate keeps with his connection, his link, his session, his meter.
/// </summary>
internal sealed class Requests
{
    private const string Secret = "benchmark-secret-0123456789abcdef";
    private const string Browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36";

    private static readonly IPAddress s_address = new([198, 51, 100, 7]);

    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly Exchange _exchange = MakeExchange();

    public Requests(int users, AccessOptions? options = null)
    {
        // As the server has them: each user's counters in the mapped file, whose pages a disk writes.
        var traffic = Directory.CreateTempSubdirectory("xlive-counters-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(traffic, recursive: true);
        var start = LedgerStart.In(traffic, new TrafficOptions(), _clock);
        start.Slots.Grow();
        var meters = new UserMeters(start.Slots, new TrafficClock(_clock));
        var grants = new SessionGrants(new byte[32]);
        var revocations = new Revocations(_clock);
        // As on a day when somebody's links have leaked.
        var now = _clock.GetUtcNow().ToUnixTimeSeconds();
        for (var i = 0; i < 1000; i++)
            revocations.Put(new Revocation(RevocationKind.Uid, $"revoked-{i}", now, Revocation.Ever, "", ""));
        var sessions = new SessionTable(grants, meters, static () => new SessionOptions { MaxPerUser = 3 }, _clock, revocations);
        Gate = new PlaybackGate(sessions, meters, _clock);
        options ??= new AccessOptions();
        options.Secret = Secret;
        Gate.Rules = new AccessRules(options, [], ["live", "wida"]);
        var expires = _clock.GetUtcNow().ToUnixTimeSeconds() + 7200;
        Viewers = new Viewer[users];
        for (var i = 0; i < users; i++)
            Viewers[i] = MakeViewer(i, expires);
        Begin(_exchange, Viewers[0].Link);
        // Nobody's requests come in the order in which memory was filled.
        new Random(1).Shuffle(Viewers);
    }

    public PlaybackGate Gate { get; }

    /// <summary>The gate's answer to a request on the viewer's connection.</summary>
    public Admission Ask(Viewer viewer, in RequestTarget target)
    {
        _exchange.Note = viewer.Note;
        _exchange.Target = target;
        return Gate.Admit(_exchange);
    }

    public Viewer[] Viewers { get; }

    private Viewer MakeViewer(int i, long expires)
    {
        var path = $"/video/2024-01-{i % 28 + 1:00}/movie-{i:00000}/1080p/segment-{i % 900:00000}.ts";
        var link = SignedUrl.Sign(path, $"user-{i:000000}", expires, System.Text.Encoding.UTF8.GetBytes(Secret));
        var exchange = MakeExchange();
        // Opens the session, and so makes both kinds of request known ones.
        Begin(exchange, link);
        var admission = Gate.Admit(exchange);
        if (!admission.Granted)
            throw new InvalidOperationException(admission.Reason);
        var grant = Gate.GrantChildren(exchange, admission, path[..(path.LastIndexOf('/') + 1)]);
        var inside = "/" + grant.Segment + path;
        Begin(exchange, inside);
        admission = Gate.Admit(exchange);
        return admission.Granted ? new Viewer(exchange.Note!, link, inside, admission.Meter) : throw new InvalidOperationException(admission.Reason);
    }

    private static Exchange MakeExchange()
    {
        var request = new HttpRequestFeature { Method = "GET", Protocol = "HTTP/1.1", Headers = new KnownHeaders() };
        foreach (var (name, value) in new[]
        {
            ("Host", "media.example.com"), ("Connection", "keep-alive"), ("Accept", "*/*"),
            ("Origin", "https://www.example.com"), ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty"),
            ("Referer", "https://www.example.com/"), ("Accept-Encoding", "gzip, deflate, br, zstd"), ("Accept-Language", "en-GB,en;q=0.9"),
        })
            request.Headers[name] = value;
        request.Headers.UserAgent = Browser;
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(request);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature
        {
            // One object: the exchange has the one of its connection, and the gate keeps that with what it knows of the connection.
            RemoteIpAddress = s_address,
        });
        return new Exchange(features);
    }

    /// <summary>The parsed target as the door hands it over.</summary>
    public static RequestTarget Parse(string target) =>
        RequestTarget.TryParse(target, out var parsed, out var fault) ? parsed : throw new InvalidOperationException(fault);

    /// <summary>What the door does before the gate, whatever is asked for.</summary>
    private void Begin(Exchange exchange, string target)
    {
        exchange.Begin(_clock.GetTimestamp(), 1);
        exchange.Target = Parse(target);
    }
}

internal sealed class Viewer(object note, string link, string inside, Meter meter)
{
    /// <summary>What the gate keeps with his connection.</summary>
    public object Note => note;
    public Meter Meter => meter;
    public string Link => link;
    public string Inside => inside;
    public RequestTarget LinkTarget { get; } = Requests.Parse(link);
    public RequestTarget InsideTarget { get; } = Requests.Parse(inside);
}

/// <summary>User-Agent in a field, as Kestrel has it: the same text object as long as the connection sends the same bytes.</summary>
internal sealed class KnownHeaders : HeaderDictionary, IHeaderDictionary
{
    private StringValues _userAgent;

    StringValues IHeaderDictionary.UserAgent
    {
        get => _userAgent;
        set => _userAgent = value;
    }
}
