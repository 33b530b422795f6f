using System.Net;
using XLive.Server.Settings;
using XLive.Server.Traffic;

namespace XLive.Server.Limits;

/// <summary>limits.bytes_per_second: one pace for each entry and address, viewer or stream, from which all take who are meant by it.</summary>
public sealed class ByteLimits(ServerSettings settings)
{
    public const int MostKeys = 65_536;

    private readonly Lock _gate = new();
    private readonly Dictionary<(ByteLimit Limit, LimitKey Key), Pace> _paces = [];

    public bool IsOn => Entries.Count > 0;

    public int Keys
    {
        get
        {
            lock (_gate)
                return _paces.Count;
        }
    }

    private List<ByteLimit> Entries => settings.Of<LimitOptions>().BytesPerSecond;

    /// <param name="uid">Empty: nobody in particular, whom no entry by uid holds.</param>
    public ViewerPaces Of(IPAddress address, string uid, ReadOnlySpan<char> path) => new(this, address, uid, StreamPath.Of(path).ToString());

    private Pace Find(ByteLimit limit, in LimitKey key)
    {
        lock (_gate)
        {
            if (_paces.TryGetValue((limit, key), out var pace))
                return pace;
            if (_paces.Count >= MostKeys)
                MakeRoom();
            return _paces[(limit, key)] = new Pace(limit.PerSecond, limit.Burst);
        }
    }

    private void MakeRoom()
    {
        List<(ByteLimit, LimitKey)> leaving = [];
        foreach (var (key, pace) in _paces)
        {
            if (pace.IsAtRest)
                leaving.Add(key);
        }
        // All are at work: more viewers than places. A tenth goes, so that not every newcomer pays for the search.
        if (leaving.Count == 0)
            leaving.AddRange(_paces.Keys.Take(MostKeys / 10));
        foreach (var key in leaving)
        {
            _paces.Remove(key, out var pace);
            pace!.IsOut = true;
        }
    }

    /// <summary>Those that one viewer takes from, for one stream, from one address.</summary>
    public sealed class ViewerPaces(ByteLimits limits, IPAddress address, string uid, string stream) : SharedPaces
    {
        private List<ByteLimit>? _entries;
        private Pace[] _paces = [];

        public bool IsOf(string ofUid, ReadOnlySpan<char> path) => uid == ofUid && StreamPath.Of(path).SequenceEqual(stream);

        public override Pace[] Current
        {
            get
            {
                // What a transfer finds at each of its pieces; one that runs for hours hears of a new limit.
                var entries = limits.Entries;
                var paces = _paces;
                if (ReferenceEquals(entries, _entries) && !AnyOut(paces))
                    return paces;
                _paces = paces = Find(entries);
                _entries = entries;
                return paces;
            }
        }

        private static bool AnyOut(Pace[] paces)
        {
            foreach (var pace in paces)
            {
                if (pace.IsOut)
                    return true;
            }
            return false;
        }

        private Pace[] Find(List<ByteLimit> entries)
        {
            var found = new List<Pace>(entries.Count);
            foreach (var entry in entries)
            {
                if (entry.By != LimitBy.Uid || uid.Length > 0)
                    found.Add(limits.Find(entry, KeyOf(entry.By)));
            }
            return [.. found];
        }

        private LimitKey KeyOf(LimitBy by) => by switch
        {
            LimitBy.Ip => LimitKey.Of(address),
            LimitBy.Uid => LimitKey.Of(uid),
            LimitBy.Stream => LimitKey.Of(stream),
            _ => LimitKey.Everybody,
        };
    }
}
