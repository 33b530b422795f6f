using System.Net;
using BenchmarkDotNet.Attributes;
using XLive.Server.Door;
using XLive.Server.Door.Clients;

namespace XLive.Benchmarks;

/// <summary>Addresses from all over, so that the processor cannot guess the way of the search.</summary>
public class CidrBenchmarks
{
    private IPAddress[] _addresses = [];
    private CidrSet _set = CidrSet.Empty;
    private int _turn;

    [Params(1, 100_000)]
    public int Entries { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(7);
        _set = CidrSet.Build([], Enumerable.Range(0, Entries).Select(_ =>
            new IPAddress([(byte)random.Next(1, 224), (byte)random.Next(256), (byte)random.Next(256), 0]) + "/24").Distinct());
        _addresses = [.. Enumerable.Range(0, 4096).Select(_ =>
            new IPAddress([(byte)random.Next(1, 224), (byte)random.Next(256), (byte)random.Next(256), (byte)random.Next(256)]))];
    }

    [Benchmark(Description = "one address among CIDRs")]
    public bool Admits() => _set.Admits(_addresses[_turn = (_turn + 1) & 4095]);
}
