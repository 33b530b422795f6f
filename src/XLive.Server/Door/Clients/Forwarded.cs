using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace XLive.Server.Door.Clients;

/// <summary>
/// The client of one exchange after another on a proxy's connection, which carries those of many. Text that is the same as last time
/// is not read again. One exchange has one request at a time, so no lock.
/// </summary>
internal sealed class Forwarded
{
    private readonly IPAddress _peer;
    private readonly bool _isHttps;
    private CidrSet _proxies = CidrSet.Empty;
    private StringValues _for;

    public Forwarded(IPAddress peer, bool isHttps)
    {
        Client = _peer = peer;
        IsHttps = _isHttps = isHttps;
    }

    public IPAddress Client { get; private set; }
    public bool IsHttps { get; private set; }

    /// <summary>The peer is trusted: the next request may be somebody else's.</summary>
    public bool IsShared { get; private set; }

    public void Read(IHeaderDictionary headers, CidrSet proxies)
    {
        if (_proxies != proxies)
        {
            _proxies = proxies;
            _for = default;
            (Client, IsHttps) = (_peer, _isHttps);
            IsShared = proxies.Contains(_peer);
        }
        if (!IsShared)
            return;
        var lines = headers["X-Forwarded-For"];
        if (!StringValues.Equals(lines, _for))
        {
            _for = lines;
            Client = ForwardedFor.Client(lines, _peer, proxies);
        }
        IsHttps = ForwardedFor.IsHttps(headers["X-Forwarded-Proto"]) ?? _isHttps;
    }
}
