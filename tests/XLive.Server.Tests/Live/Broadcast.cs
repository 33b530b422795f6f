using XLive.Media;
using XLive.Media.Tests;
using XLive.Server.Live;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Live;

/// <summary>A stream that goes on, a hundred frames a second, for as long as a test needs it. Its tracks are such as a demuxer takes.</summary>
internal sealed class Broadcast : IDisposable
{
    private readonly Thread _thread;
    private volatile bool _isOver;

    public Broadcast(TestServer server, StreamName name)
    {
        Turn = server.Get<LiveStreams>().TryPublish(name, Film.Somebody, out var refusal) ?? throw new InvalidOperationException(refusal);
        Turn.Announce(SyntheticStream.Video, Turn.Begin);
        Turn.Announce(SyntheticStream.Aac, Turn.Begin);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    public Publication Turn { get; }

    private void Run()
    {
        var frames = new SyntheticStream { Random = new Random(7), Seconds = 120, Gop = 0.4, VideoBytes = 300 }.Frames();
        for (var i = 0; i < frames.Count && !_isOver; i++)
        {
            var frame = frames[i];
            Turn.Publish(new Frame(frame.Track, Turn.Begin + frame.Decoded.Ticks, frame.CompositionOffset, frame.Flags, frame.Payload));
            Thread.Sleep(10);
        }
    }

    public void End(PublishEnd why)
    {
        Dispose();
        Turn.End(why);
    }

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
    }
}
