using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using XLive.Server.Playback.Vod.Cache;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Cache;

/// <summary>Viewers of every kind before an origin of every mood: what looks whole is one version, and nothing is left behind.</summary>
public sealed class StormTests
{
    private const int MiB = 1 << 20;
    private const int Versions = 3;
    private const int Viewers = 12;

    // What the log says of a fault that is not the origin's.
    private static readonly string[] Ours = ["filling the cache failed", "asking the origin failed", "broke off after its head was sent", "Exception"];

    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(5);

    // Films of several blocks, and what is read whole.
    private static readonly Dictionary<string, byte[][]> Files = new(StringComparer.Ordinal)
    {
        ["/f0.mp4"] = All(5 * MiB + 17, 1), ["/f1.mp4"] = All(3 * MiB, 11), ["/s.ts"] = All(700, 21), ["/e.ts"] = All(0, 31), ["/p.jpg"] = All(90_000, 41),
    };

    private static byte[][] All(int length, int seed) => [.. Enumerable.Range(0, Versions).Select(v => Pattern.Bytes(length, seed + v))];

    [Theory]
    [InlineData("0")]
    [InlineData("32MiB")]
    public async Task Whatever_comes_a_whole_body_is_one_version_and_all_memory_comes_back(string disk)
    {
        var seed = Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        var moods = new Random(seed);
        await using var origin = await ScriptedOrigin.StartAsync(c => AnswerAsync(c, Next(moods, 100), Next(moods, Versions)));
        await using var server = await origin.FrontAsync("--cache.memory=16MiB", $"--cache.disk={disk}", "--backend.connector_limit=50", "--backend.connector_limit_per_host=50");
        if (disk != "0")
            server.Get<DiskCache>().Files.OnCall = writes => Trouble(moods, writes);
        var whole = 0;
        var end = DateTime.UtcNow + Duration;
        try
        {
            await Crowd.Of(Viewers, i =>
            {
                var random = new Random(seed + i + 1);
                // On a machine that has other work no body may be whole by then.
                while (DateTime.UtcNow < end || (Volatile.Read(ref whole) == 0 && DateTime.UtcNow < end + Until.Patience))
                {
                    if (View(server, random))
                        Interlocked.Increment(ref whole);
                }
            });
            Assert.True(whole > 0, "not one whole body");
            AssertNothingIsLeft(server);
            // Whatever an origin does, nothing of ours fails for it.
            var log = server.Log();
            Assert.False(Ours.Any(o => log.Contains(o, StringComparison.Ordinal)), log);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new InvalidOperationException($"XLIVE_SEED={seed}: {e.Message}", e);
        }
    }

    private static int Next(Random random, int below)
    {
        lock (random)
            return random.Next(below);
    }

    // A disk that fails now and then, and once it does not answer for longer than is waited.
    private static void Trouble(Random moods, bool writes)
    {
        var mood = Next(moods, 200);
        if (mood < 5 && !writes)
            throw new IOException("Input/output error", 5);
        if (mood == 5)
            Thread.Sleep(2100);
    }

    private static async Task AnswerAsync(HttpContext context, int mood, int version)
    {
        var bytes = Files[context.Request.Path.Value!][version];
        var tag = $"\"{version}\"";
        var response = context.Response;
        switch (mood)
        {
            case < 3:
                response.StatusCode = mood == 0 ? 404 : 500;
                await response.WriteAsync(new string('x', 2000));
                break;
            case < 8:
                await ScriptedOrigin.File(context, bytes, tag, "no-store");
                break;
            case < 14:
                response.Headers.CacheControl = "max-age=1";
                await response.BodyWriter.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
                await response.BodyWriter.FlushAsync();
                await response.BodyWriter.WriteAsync(bytes.AsMemory(bytes.Length / 2));
                break;
            case < 20:
                response.Headers.CacheControl = "max-age=1";
                response.ContentLength = bytes.Length;
                await response.BodyWriter.WriteAsync(bytes, context.RequestAborted);
                break;
            case < 23:
                response.Headers.ETag = tag;
                response.ContentLength = bytes.Length;
                await response.BodyWriter.WriteAsync(bytes.AsMemory(0, bytes.Length / 3), context.RequestAborted);
                context.Abort();
                break;
            default:
                await ScriptedOrigin.File(context, bytes, tag, mood < 60 ? "max-age=1" : "max-age=60");
                break;
        }
    }

    /// <returns>Whether a body came, and all of it.</returns>
    private static bool View(TestServer server, Random random)
    {
        var path = Files.Keys.ElementAt(random.Next(Files.Count));
        var length = Files[path][0].Length;
        var kind = random.Next(10);
        var target = TestServer.Signed($"{path}?n={random.Next(12)}");
        var from = random.Next(Math.Max(1, length));
        try
        {
            using var client = server.Connect(kind == 0 ? 16_384 : 0);
            client.Send(kind switch
            {
                1 => RawClient.Request("HEAD", target),
                2 or 3 => RawClient.Request("GET", target, $"Range: bytes={from}-{from + random.Next(2 * MiB)}"),
                4 => RawClient.Request("GET", target, $"Range: bytes={from}-"),
                _ => RawClient.Request("GET", target),
            });
            if (kind == 5)
            {
                client.Reset();
                return false;
            }
            var head = client.ReadHead();
            if (kind == 1 || head.Status is not (200 or 206))
            {
                Assert.Contains(head.Status, (int[])[200, 206, 404, 416, 500, 502, 503, 504]);
                return false;
            }
            var announced = head.ContentLength;
            if (kind == 6)
            {
                client.ReadBody(random.NextInt64(announced + 1));
                client.Reset();
                return false;
            }
            var body = new MemoryStream();
            while (body.Length < announced)
            {
                client.ReadBody(Math.Min(256 * 1024, announced - body.Length), body.Write);
                // A slow one holds what others want the place of.
                if (kind == 0)
                    Thread.Sleep(20);
            }
            AssertOneVersion(path, head, head.Status == 206 ? First(head["Content-Range"]!) : 0, body.ToArray());
            return true;
        }
        catch (Exception e) when (e is EndOfStreamException or SocketException { SocketErrorCode: SocketError.ConnectionReset or SocketError.Shutdown })
        {
            // It shows that it is not whole.
            return false;
        }
    }

    private static int First(string range) => int.Parse(range.AsSpan(6, range.IndexOf('-', StringComparison.Ordinal) - 6), CultureInfo.InvariantCulture);

    private static void AssertOneVersion(string path, Answer head, int first, byte[] body)
    {
        for (var version = 0; version < Versions; version++)
        {
            var bytes = Files[path][version];
            var isAsTold = head["ETag"] is not { } tag || tag == $"\"{version}\"";
            if (isAsTold && (head.Status == 206 || body.Length == bytes.Length) && bytes.AsSpan(first).StartsWith(body))
                return;
        }
        Assert.Fail($"{path} from {first}, {body.Length} bytes: no version is so\n{head}");
    }

    private static void AssertNothingIsLeft(TestServer server)
    {
        var (budget, cache) = (server.Get<BlockBudget>(), server.Get<OriginCache>());
        Until.True(() => cache.Asked == 0, "no question under way");
        budget.Shrink(true);
        var film = BlockBudgetTests.Film(4 * MiB);
        for (var i = 0; i < 4; i++)
        {
            // What nobody holds can go, so the whole of the memory is to be had, to the last byte.
            Block? block = null;
            Until.True(() => (block = budget.TryTake(film, i, MiB)) is not null, $"room for block {i}: {budget.Used} of {budget.Limit} used, {budget.Count} blocks");
        }
        Assert.Equal((budget.Limit, 4), (budget.Used, budget.Count));
    }
}
