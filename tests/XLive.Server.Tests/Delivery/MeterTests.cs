using XLive.Server.Traffic;

namespace XLive.Server.Tests.Delivery;

/// <summary>What a viewer's TCP has taken is what he is charged, to the byte, wherever he leaves and whatever still lay in the send queue.</summary>
public sealed class MeterTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const int MiB = 1024 * 1024;

    private Account Of(string uid) => shared.Server.Get<UserMeters>().Of(uid);

    private static string Signed(string uid, string target) => target + "?" + TestServer.Grant(uid);

    /// <summary>From files by sendfile, and from memory; answers that end within the queue, and such as are larger.</summary>
    [Theory]
    [InlineData("cut/large.ts", 40 * MiB)]
    [InlineData("cut/queued.ts", 2 * MiB)]
    [InlineData("cut/memory.ts", 60_000)]
    public void One_who_leaves_is_charged_what_his_TCP_took(string name, int size)
    {
        var seed = Environment.GetEnvironmentVariable("XLIVE_SEED") is { } given ? int.Parse(given, System.Globalization.CultureInfo.InvariantCulture) : Random.Shared.Next();
        var random = new Random(seed);
        shared.Server.Write(name, Pattern.Bytes(size, 3));
        for (var i = 0; i < 4; i++)
        {
            var uid = $"leaver-{name.Length}-{size}-{i}";
            using var client = shared.Server.Connect(receiveBuffer: 1 << random.Next(12, 18));
            var head = HeadLength(client.Send(RawClient.Request("GET", Signed(uid, "/" + name))).ReadHead());
            client.ReadBody(random.Next(size / 2), static _ => { });
            var took = client.SettledReceived() - head;
            client.Reset();
            Until.Equal(took, () => Of(uid).Bytes, $"bytes of {uid} (XLIVE_SEED={seed})");
        }
    }

    [Fact]
    public void One_who_leaves_half_way_through_many_answers_is_charged_those_he_took()
    {
        const int Size = 200_000, Asked = 12;
        shared.Server.Write("cut/one.ts", Pattern.Bytes(Size, 3));
        const string uid = "pipelines";
        using var client = shared.Server.Connect(receiveBuffer: 65536);
        client.Send(string.Concat(Enumerable.Repeat(RawClient.Request("GET", Signed(uid, "/cut/one.ts")), Asked)));
        var head = 0;
        for (var i = 0; i < 3; i++)
            head = HeadLength(client.Read());
        // All heads are as long.
        var took = client.SettledReceived();
        client.Reset();
        var bodies = took / (head + Size) * Size + Math.Max(0, took % (head + Size) - head);
        Assert.InRange(bodies, 3 * Size, (Asked - 1) * Size);
        Until.Equal(bodies, () => Of(uid).Bytes, "bytes of the user");
    }

    private static int HeadLength(Answer answer) => answer.StatusLine.Length + 4 + answer.Headers.Sum(static h => h.Key.Length + h.Value.Length + 4);

    [Theory]
    [InlineData("GET", 3 * MiB, "")]
    [InlineData("GET", 100, "Range: bytes=0-99")]
    [InlineData("GET", -1, "Range: bytes=0-9,100-199,-5")]
    [InlineData("HEAD", 0, "")]
    [InlineData("GET", 0, "If-None-Match: *")]
    [InlineData("GET", 0, "Range: bytes=99999999-")]
    [InlineData("GET", 0, "If-Match: \"other\"")]
    public void Whole_answers_are_charged_their_body(string method, int bytes, string header)
    {
        var uid = $"whole-{method}-{bytes}-{header.Length}";
        shared.Server.Write("cut/whole.ts", Pattern.Bytes(3 * MiB, 3));
        using var client = shared.Server.Connect();
        var answer = client.Ask(method, Signed(uid, "/cut/whole.ts"), header.Length == 0 ? [] : [header]);
        Until.Equal(bytes < 0 ? answer.Body.Length : bytes, () => Of(uid).Bytes, "bytes of the user");
    }

    [Fact]
    public void A_long_transfer_shows_while_it_runs()
    {
        shared.Server.Write("cut/long.ts", Pattern.Bytes(40 * MiB, 3));
        using var client = shared.Server.Connect(receiveBuffer: 65536);
        client.Send(RawClient.Request("GET", Signed("long", "/cut/long.ts"))).ReadHead();
        for (var read = MiB; read <= 40 * MiB; read += MiB)
        {
            client.ReadBody(MiB, static _ => { });
            Assert.InRange(Of("long").Bytes, read, 40 * MiB);
        }
        Until.Equal(40L * MiB, () => Of("long").Bytes, "bytes of the user");
    }
}
