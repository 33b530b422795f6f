using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using XLive.EndToEnd.Harness;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Media.Tests;

namespace XLive.EndToEnd;

/// <summary>Publishers who send whatever they like, as fast as they can or not at all, and streams beside them that must not notice.</summary>
[Collection(Undisturbed.Name)]
public sealed class HostilePublisherTests
{
    const int Streams = 20, FrameMilliseconds = 40, FrameBytes = 4000, Gop = 25;

    static readonly TimeSpan Round = TimeSpan.FromSeconds(5);
    // What it is stands in the message. On a machine that others use too all that runs waits for its turn, alone or not.
    static readonly TimeSpan Bar = TimeSpan.FromSeconds(2);

    // A round that is not over by then never will be: of a thread that is blocked for good hang those whose sockets it serves, and nobody else is late.
    static readonly TimeSpan Never = TimeSpan.FromMinutes(1);

    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Twenty_streams_beside_hostile_publishers_lose_nothing_and_are_not_late()
    {
        var seed = ulong.TryParse(Environment.GetEnvironmentVariable("XLIVE_FUZZ_SEED"), CultureInfo.InvariantCulture, out var given) ? given : (ulong)Random.Shared.Next();
        using var folder = new TempFolder();
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--access.enable=false", "--live.segment_seconds=1", "--log.level=warning");
        var alone = await Play(server, "alone");
        using var hostile = new HostilePublishers(server.RtmpPort, seed);
        hostile.Begin();
        var among = await Play(server, "among");
        // What others do on the machine only ever adds: one undisturbed look says it.
        for (var again = 0; again < 2 && among > Bar; again++)
        {
            among = TimeSpan.FromTicks(Math.Min(among.Ticks, (await Play(server, $"again-{again}")).Ticks));
        }
        hostile.End();
        using var stats = JsonDocument.Parse(await server.Http.GetStringAsync("/stats", Stop));
        var rtmp = stats.RootElement.GetProperty("rtmp");
        var faults = rtmp.GetProperty("faults").EnumerateObject().Sum(static f => f.Value.GetInt64());
        var what = string.Create(CultureInfo.InvariantCulture, $"XLIVE_FUZZ_SEED={seed}: latest frame {alone.TotalMilliseconds:0.0} ms alone, {among.TotalMilliseconds:0.0} ms among {hostile}; {rtmp}");
        TestContext.Current.SendDiagnosticMessage(what);
        Assert.True(among <= Bar, what);
        Assert.True(hostile.Connections > 100 && faults > 20 && rtmp.GetProperty("refused").GetInt64() > 0, what);
        Assert.DoesNotContain("fail:", server.Output, StringComparison.Ordinal);
    }

    /// <summary>All of them for one round, in real time. Every frame must come; the longest that one took is the answer.</summary>
    static async Task<TimeSpan> Play(ServerProcess server, string name)
    {
        var encoders = new List<RtmpEncoder>();
        var watchers = new List<FlvWatcher>();
        var views = new List<View>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        over.CancelAfter(Never);
        try
        {
            for (var i = 0; i < Streams; i++)
            {
                encoders.Add(await RtmpEncoder.Begin(server.RtmpPort, $"{name}-{i}", over.Token));
            }
            var sent = 0;
            await Send(encoders, sent++, over.Token);
            for (var i = 0; i < Streams; i++)
            {
                watchers.Add(await FlvWatcher.Begin(server, $"/live/{name}-{i}.flv", over.Token));
            }
            views = watchers.ConvertAll(static w => new View(w));
            var watching = views.ConvertAll(v => v.Run(over.Token));
            // Whatever was sent before a viewer was there waited for him, not for the server.
            await Send(encoders, sent++, over.Token);
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(FrameMilliseconds));
            for (var clock = Stopwatch.StartNew(); clock.Elapsed < Round; sent++)
            {
                await pace.WaitForNextTickAsync(over.Token);
                await Send(encoders, sent, over.Token);
            }
            await Task.WhenAll(encoders.Select(e => e.Leave(over.Token)));
            await Task.WhenAll(watching);
            Assert.All(views, v => Assert.Equal((0, sent), (v.Missed, v.Next)));
            return views.Max(static v => v.Latest);
        }
        catch (OperationCanceledException) when (!Stop.IsCancellationRequested)
        {
            Assert.Fail($"{name}: not over after {Never}; {encoders.Count} publish, and the viewers are at the frames {string.Join(", ", views.Select(static v => v.Next))}");
            throw;
        }
        finally
        {
            encoders.ForEach(static e => e.Dispose());
            watchers.ForEach(static w => w.Dispose());
        }
    }

    static async Task Send(List<RtmpEncoder> encoders, int number, CancellationToken stop)
    {
        var payload = new byte[FrameBytes];
        BinaryPrimitives.WriteInt32BigEndian(payload, FrameBytes - 4);
        payload[4] = (byte)(number % Gop == 0 ? 0x65 : 0x41);
        BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(5), number);
        var frame = new Frame(SyntheticStream.Video, Timestamp.FromMilliseconds(number * FrameMilliseconds), 0, number % Gop == 0 ? FrameFlags.Key : FrameFlags.None, payload);
        var output = new ArrayBufferWriter<byte>();
        foreach (var encoder in encoders)
        {
            output.ResetWrittenCount();
            if (number == 0)
            {
                RtmpEncoder.Write(output, SyntheticStream.Video);
            }
            BinaryPrimitives.WriteInt64BigEndian(payload.AsSpan(9), Stopwatch.GetTimestamp());
            RtmpEncoder.Write(output, frame);
            await encoder.Send(output.WrittenMemory, stop);
        }
    }

    sealed class View(FlvWatcher watcher)
    {
        public int Next { get; private set; }
        public int Missed { get; private set; }
        public TimeSpan Latest { get; private set; }

        public Task Run(CancellationToken stop) => watcher.Watch(See, stop);

        void See(FlvTag tag)
        {
            if (tag.Type != FlvTagType.Video || tag.Body.Span[1] != 1)
            {
                return;
            }
            var payload = tag.Body.Span[5..];
            var number = BinaryPrimitives.ReadInt32BigEndian(payload[5..]);
            Missed += number == Next ? 0 : 1;
            Next = number + 1;
            if (number < 2)
            {
                return;
            }
            var took = Stopwatch.GetElapsedTime(BinaryPrimitives.ReadInt64BigEndian(payload[9..]));
            Latest = took > Latest ? took : Latest;
        }
    }
}
