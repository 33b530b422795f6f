using System.Net;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

/// <summary>
/// Places for bodies of API requests that did not come with their heads. An operator's comes whole, and needs none; without a bound
/// 5,000 that came in crumbs had 80 MiB of objects touched again and again, and the collector held viewers up for 25 to 75 ms at a time.
/// </summary>
internal sealed class WaitingBodies(TimeSpan grace, TimeProvider clock)
{
    public const int Most = 256;

    /// <summary>Of one /24 or /64: who has one address takes no more than these.</summary>
    public const int MostOfNetwork = 32;

    private readonly Dictionary<IPAddress, int> _networks = [];
    private long _refused;

    public int Count { get; private set; }

    public long Refused => Volatile.Read(ref _refused);

    /// <summary>What a body may take that brings nothing.</summary>
    public TimeSpan Grace => grace;

    public TimeProvider Clock => clock;

    /// <summary>The network to leave from; null: there is no place.</summary>
    public IPAddress? Enter(IPAddress client)
    {
        var network = AddressPrivacy.Prefix.Kept(client);
        lock (_networks)
        {
            var there = _networks.GetValueOrDefault(network);
            if (Count >= Most || there >= MostOfNetwork)
            {
                _refused++;
                return null;
            }
            Count++;
            _networks[network] = there + 1;
            return network;
        }
    }

    public void Leave(IPAddress network)
    {
        lock (_networks)
        {
            Count--;
            if (_networks[network] == 1)
                _networks.Remove(network);
            else
                _networks[network]--;
        }
    }
}
