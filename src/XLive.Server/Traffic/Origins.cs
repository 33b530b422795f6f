using System.Net;
using XLive.Server.Telemetry;

namespace XLive.Server.Traffic;

/// <summary>Where a user came from since the ledger last took his bytes: the first addresses and sessions of them, no more than a report lists.</summary>
internal sealed class Origins
{
    public const int MostAddresses = 20;
    public const int MostSessions = 10;

    private readonly Lock _gate = new();
    private IPAddress[] _addresses = [];
    private string[] _sessions = [];

    public IReadOnlyList<string> Sessions => _sessions;

    /// <summary>As a report may have them.</summary>
    public IEnumerable<string> Addresses(AddressPrivacy privacy) => privacy switch
    {
        AddressPrivacy.None => [],
        AddressPrivacy.Prefix => _addresses.Select(static a => AddressPrivacy.Prefix.Text(a)).Distinct(),
        _ => _addresses.Select(static a => a.ToString()),
    };

    public void Note(IPAddress address, string sid)
    {
        lock (_gate)
        {
            if (_addresses.Length < MostAddresses && Array.IndexOf(_addresses, address) < 0)
                _addresses = [.. _addresses, address];
            if (sid.Length > 0 && _sessions.Length < MostSessions && Array.IndexOf(_sessions, sid) < 0)
                _sessions = [.. _sessions, sid];
        }
    }

    /// <summary>A cut that took these came to nothing.</summary>
    public void Note(Origins others)
    {
        foreach (var address in others._addresses)
            Note(address, "");
        lock (_gate)
            _sessions = [.. _sessions.Union(others._sessions).Take(MostSessions)];
    }
}
