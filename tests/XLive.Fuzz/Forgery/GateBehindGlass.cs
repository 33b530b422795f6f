using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using XLive.Fuzz.Inputs;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Sessions;
using XLive.Server.Traffic;

namespace XLive.Fuzz.Forgery;

/// <summary>The server's own gate, asked without a socket, at a time that stands still. One thread's.</summary>
internal sealed class GateBehindGlass : TimeProvider
{
    private readonly PlaybackGate _gate;
    private readonly Exchange _exchange;

    public GateBehindGlass()
    {
        var meters = new UserMeters();
        var sessions = new SessionTable(new SessionGrants("a service key of thirty-two bytes"u8), meters, static () => new SessionOptions(), this);
        _gate = new PlaybackGate(sessions, meters, this)
        {
            Rules = new AccessRules(new AccessOptions(), Site.Secrets.Select(static s => new SigningKey(s.Kid, Encoding.UTF8.GetBytes(s.Secret), s.NotBefore, s.NotAfter)), ["live", "wida"]),
        };
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = "GET", Protocol = "HTTP/1.1" });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
        features.Set<IHttpConnectionFeature>(new HttpConnectionFeature { RemoteIpAddress = IPAddress.Loopback });
        _exchange = new Exchange(features);
    }

    public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeSeconds(Site.Now);

    public override long GetTimestamp() => 1;

    public bool Admits(string target) => Ask(target, out var admission) && admission.Granted;

    /// <summary>The path below which the children of a link's title lie, with its slashes.</summary>
    public string SessionPath(string link, string titleScope) => Ask(link, out var admission) && admission.Granted
        ? "/" + _gate.GrantChildren(_exchange, admission, titleScope).Segment
        : throw new InvalidOperationException($"{link} is refused: {admission.Reason}");

    private bool Ask(string target, out Admission admission)
    {
        admission = default;
        if (!RequestTarget.TryParse(target, out var parsed, out _))
            return false;
        _exchange.Begin(1, 1);
        _exchange.Target = parsed;
        admission = _gate.Admit(_exchange);
        return true;
    }
}
