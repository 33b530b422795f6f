using System.Net;
using BenchmarkDotNet.Attributes;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Traffic;

namespace XLive.Benchmarks;

/// <summary>
/// Gate, session, device limit and meter, for 10,000 viewers in turn, whose links and sessions do not fit the processor's cache, and for 100, who show
/// what of it is work and what is waiting for memory. "Whole" is the parsing of the target besides.
/// </summary>
public class GateBenchmarks
{
    private Requests _requests = null!;
    private Viewer[] _viewers = [];
    private int _turn;

    [Params(10_000, 100)]
    public int Users { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _requests = new Requests(Users);
        _viewers = _requests.Viewers;
    }

    private Viewer Next()
    {
        var turn = _turn + 1;
        return _viewers[_turn = turn == Users ? 0 : turn];
    }

    [Benchmark(Description = "signed link known: gate, session, limits and meter")]
    public void LinkMetered() => Count(AskLink());

    [Benchmark(Description = "signed link known: whole")]
    public void LinkWhole()
    {
        var viewer = Next();
        Count(_requests.Ask(viewer, Requests.Parse(viewer.Link)));
    }

    [Benchmark(Description = "session path: gate, session, limits and meter")]
    public void InsideMetered() => Count(AskInside());

    [Benchmark(Description = "session path: whole")]
    public void InsideWhole()
    {
        var viewer = Next();
        Count(_requests.Ask(viewer, Requests.Parse(viewer.Inside)));
    }

    [Benchmark(Description = "target parsed, signed link")]
    public int ParseLink() => Requests.Parse(Next().Link).Path.Length;

    [Benchmark(Description = "target parsed, session path")]
    public int ParseInside() => Requests.Parse(Next().Inside).Path.Length;

    [Benchmark(Description = "meter: a request and its bytes")]
    public void Meter()
    {
        var meter = Next().Meter;
        meter.CountRequest(FileKind.Ts, IPAddress.Loopback);
        meter.Charge(FileKind.Ts, 1 << 20);
    }

    private Admission AskLink()
    {
        var viewer = Next();
        return _requests.Ask(viewer, viewer.LinkTarget);
    }

    private Admission AskInside()
    {
        var viewer = Next();
        return _requests.Ask(viewer, viewer.InsideTarget);
    }

    private static void Count(in Admission admission)
    {
        if (!admission.Granted)
            throw new InvalidOperationException(admission.Reason);
        admission.Meter.CountRequest(FileKind.Ts, IPAddress.Loopback);
        admission.Meter.Charge(FileKind.Ts, 1 << 20);
    }
}
