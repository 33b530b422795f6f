using System.Net;
using System.Runtime.InteropServices;
using XLive.Server.Telemetry;

namespace XLive.Server.Traffic;

/// <summary>Where a user came from since the ledger last took his bytes: the first addresses and sessions of them, no more than a report lists.</summary>
internal sealed class Origins
{
    public const int MostAddresses = 20;
    public const int MostSessions = 10;

    private readonly List<IPAddress> _addresses = new(1);
    private readonly List<string> _sessions = new(1);

    public ReadOnlySpan<IPAddress> Addresses => CollectionsMarshal.AsSpan(_addresses);

    public ReadOnlySpan<string> Sessions => CollectionsMarshal.AsSpan(_sessions);

    /// <summary>The addresses as a report may have them.</summary>
    public IEnumerable<string> Texts(AddressPrivacy privacy) => privacy switch
    {
        AddressPrivacy.None => [],
        AddressPrivacy.Prefix => _addresses.Select(static a => AddressPrivacy.Prefix.Text(a)).Distinct(),
        _ => _addresses.Select(static a => a.ToString()),
    };

    public void Note(IPAddress address, string sid)
    {
        if (_addresses.Count < MostAddresses && !_addresses.Contains(address))
            _addresses.Add(address);
        NoteSession(sid);
    }

    private void NoteSession(string sid)
    {
        if (sid.Length > 0 && _sessions.Count < MostSessions && !_sessions.Contains(sid))
            _sessions.Add(sid);
    }

    public void Note(Origins others)
    {
        foreach (var address in others._addresses)
            Note(address, "");
        foreach (var session in others._sessions)
            NoteSession(session);
    }

    public void Clear()
    {
        _addresses.Clear();
        _sessions.Clear();
    }
}
