using System.Net;
using Microsoft.AspNetCore.Http;
using XLive.Server.Door;
using XLive.Server.Limits;
using XLive.Server.Sessions;

namespace XLive.Server.Access;

/// <summary>What a connection's requests have in common, told once and kept with it until the rules, the address or the User-Agent change.</summary>
internal sealed class Visitor
{
    private readonly AccessRules _rules;
    private readonly IPAddress _address;
    private readonly ClientSigns _signs;

    // A connection is one viewer's, or a proxy's; a viewer seldom has two links at once. An request has one request at a time, so no lock.
    private Session? _session;

    private Visitor(IMediaRequest request, AccessRules rules, string userAgent, ClientSigns signs)
    {
        _rules = rules;
        _address = request.Remote;
        _signs = signs;
        UserAgent = userAgent;
        Admitted = rules.Admits(request.Remote);
        Trusted = rules.Trusted.Contains(request.Remote);
        Network = AddressKey.Network(request.Remote);
        Exact = AddressKey.Exact(request.Remote);
        Kind = ClientKinds.Of(userAgent, signs);
    }

    public string UserAgent { get; }
    public bool Admitted { get; }
    public bool Trusted { get; }
    public bool Plays { get; set; }
    public AddressKey Network { get; }
    public AddressKey Exact { get; }
    public ClientKind Kind { get; }

    /// <summary>What the last request's bodies took from besides its viewer's own pace.</summary>
    public ByteLimits.ViewerPaces? Paces { get; set; }

    /// <summary>By which the last request came that a link let in: the next one's is the same, and no table need be asked.</summary>
    public RememberedGrant? Link { get; private set; }

    /// <summary>By which the last one came on a session's path.</summary>
    public SessionGrant? Path { get; set; }

    public Session? SessionOf(RememberedGrant grant) => Link == grant ? _session : null;

    public void Keep(RememberedGrant grant, Session session) => (Link, _session) = (grant, session);

    public static Visitor Of(IMediaRequest request, AccessRules rules)
    {
        var userAgent = request.RequestHeaders.UserAgent.ToString();
        // Two behind one proxy and one address may name the same program, and only one of them be a browser.
        // The same viewer under other rules is still one who plays.
        var plays = false;
        if (request.Note is Visitor known && known.UserAgent == userAgent
            && (ReferenceEquals(known._address, request.Remote) || known._address.Equals(request.Remote))
            && (!request.IsShared || known._signs == SignsOf(request.RequestHeaders)))
        {
            if (known._rules == rules)
                return known;
            plays = known.Plays;
        }
        var visitor = new Visitor(request, rules, userAgent, SignsOf(request.RequestHeaders)) { Plays = plays };
        request.Note = visitor;
        return visitor;
    }

    private static ClientSigns SignsOf(IHeaderDictionary headers) =>
        (headers.ContainsKey("Sec-Fetch-Dest") ? ClientSigns.SecFetchDest : 0)
        | (headers.ContainsKey("Sec-Fetch-Mode") ? ClientSigns.SecFetchMode : 0)
        | (headers.ContainsKey("X-Playback-Session-Id") ? ClientSigns.PlaybackSession : 0)
        | (headers.ContainsKey("Icy-MetaData") ? ClientSigns.IcyMetadata : 0);
}
