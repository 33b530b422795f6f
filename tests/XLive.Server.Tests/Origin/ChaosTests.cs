using System.Collections.Concurrent;
using System.Globalization;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Tests.Traffic;

namespace XLive.Server.Tests.Origin;

/// <summary>Origins that do everything wrong at random, all at once: what is read to its end is a whole version, and nothing is left behind.</summary>
public sealed class ChaosTests
{
    private const int Size = 100_000;
    private const int Fetches = 600;

    private static readonly byte[][] s_versions = [HostileOrigin.Bytes(Size, 1), HostileOrigin.Bytes(Size, 2), HostileOrigin.Bytes(Size + 1, 3)];

    [Fact]
    public async Task What_is_read_to_its_end_is_one_version_of_the_file()
    {
        var seed = Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var clock = new HandClock();
        using var first = Bad(seed);
        using var second = Bad(seed + 1);
        using var third = Bad(seed + 2);
        using var asker = new Asker(new OriginOptions { Origins = [first.Url, second.Url, third.Url], Balance = OriginBalance.LeastPending }, clock);
        var (whole, faults) = (0, new ConcurrentDictionary<string, int>());
        var work = Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            var random = new Random(seed ^ worker);
            for (var i = worker; i < Fetches; i += 8)
            {
                await Asker.Yield();
                var at = random.Next(2) * random.Next(Size);
                var request = new OriginRequest("/a.ts", "", OriginKind.Media) { First = at, Last = at > 0 && random.Next(2) > 0 ? random.Next(at, Size) : -1 };
                try
                {
                    var (reply, body) = await asker.Fetch(request);
                    if (reply.Status is not (200 or 206))
                        continue;
                    var version = s_versions[reply.StrongTag![2] - '0'];
                    Assert.True(version.AsSpan((int)reply.First, body.Length).SequenceEqual(body), $"bytes of no version (XLIVE_SEED={seed})");
                    Assert.Equal(reply.Status == 200 ? version.Length : (request.Last < 0 ? version.Length : Math.Min(version.Length, request.Last + 1)) - at, body.Length);
                    Interlocked.Increment(ref whole);
                }
                catch (OriginException e)
                {
                    faults.AddOrUpdate(e.Fault.ToString(), 1, static (_, n) => n + 1);
                }
            }
        }));
        await FailoverTests.Pass(clock, () => work.IsCompleted, () =>
            $": {whole} whole, {string.Join(", ", faults)}, {asker.Client.Connections.Taken} taken, {asker.Client.Connections.Waiting} waiting, clock {clock.Steady}, timers {string.Join(" ", clock.Timers)} (XLIVE_SEED={seed})");
        await work;
        await AskingTests.Eventually(() => asker.Client.Connections is { Taken: 0, Waiting: 0 } && asker.Client.Servers.All(static s => s.Pending == 0));
        var said = string.Join(", ", faults.Select(static f => $"{f.Key} {f.Value}"));
        Assert.True(whole > Fetches / 10, $"{whole} of {Fetches} were read, the others {said} (XLIVE_SEED={seed})");
        Assert.True(asker.Client.Servers.Sum(static s => s.Stats.Resumes) > 0, $"none was mended (XLIVE_SEED={seed})");
    }

    private static HostileOrigin Bad(int seed)
    {
        var random = new Random(seed);
        return new HostileOrigin((heard, _, wire) =>
        {
            int fault, version, cut;
            lock (random)
                (fault, version, cut) = (random.Next(24), random.Next(10) == 0 ? random.Next(3) : 0, random.Next(Size));
            var (body, tag) = (s_versions[version], $"\"v{version}\"");
            var (first, last) = heard.Range;
            var isPart = heard["Range"] is not null && (heard["If-Range"] is not { } wanted || wanted == tag);
            (first, last) = isPart ? (first, last < 0 || last >= body.Length ? body.Length - 1 : last) : (0, body.Length - 1);
            if (first > last)
            {
                wire.Say($"HTTP/1.1 416 No\r\nContent-Range: bytes */{body.Length}\r\nContent-Length: 0\r\n\r\n");
                return;
            }
            var count = (int)(last - first + 1);
            switch (fault)
            {
                case 0:
                    wire.Reset();
                    return;
                case 1:
                    wire.Say("HTTP/1.1 503 No\r\nContent-Length: 3\r\n\r\nno\n");
                    return;
                case 2:
                    wire.Say($"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: 7\r\nContent-Length: {count}\r\n\r\n").Send(body);
                    return;
                case 3 when isPart:
                    first++;
                    break;
                case 4 when isPart && count > 1:
                    last--;
                    break;
                case 5:
                    wire.Say("HTTP/1.1 200 OK\r\nETag: ").Close();
                    return;
                case 6:
                    wire.Say($"HTTP/1.1 206 Partial Content\r\nContent-Length: {count}\r\n\r\n").Send(body.AsSpan(0, count));
                    return;
            }
            count = (int)(last - first + 1);
            var isChunked = fault is 7 or 8;
            wire.Say((isPart ? $"HTTP/1.1 206 Part\r\nContent-Range: bytes {first}-{last}/{body.Length}\r\n" : "HTTP/1.1 200 OK\r\n")
                + $"ETag: {tag}\r\n" + (isChunked ? "Transfer-Encoding: chunked\r\n\r\n" : $"Content-Length: {count}\r\n\r\n"));
            var sent = fault is 8 or 9 or 10 or 11 or 12 ? Math.Min(count, cut) : count;
            if (isChunked && sent > 0)
                wire.Say($"{sent:x}\r\n");
            wire.Send(body.AsSpan((int)first, sent));
            if (isChunked && fault == 7)
                wire.Say((sent > 0 ? "\r\n" : "") + "0\r\n\r\n");
            else if (fault is 9 or 10)
                wire.Reset();
            else if (sent < count || isChunked)
                wire.Close();
        });
    }
}
