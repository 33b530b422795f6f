using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using XLive.Server.Hooks;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Reports;

namespace XLive.Server.Tests.Hooks;

/// <summary>Events on their way to a site that does what sites do: none is lost, none changes, those of a stream come in their order.</summary>
public sealed class HookSenderTests : IDisposable
{
    private readonly ScriptedReceiver _site = new();

    public void Dispose() => _site.Dispose();

    private static void Yes(Socket socket) => ScriptedReceiver.Say(socket, "200 OK", "");

    [Fact]
    public async Task An_event_is_posted_signed_with_the_time_and_named_by_its_id()
    {
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Publish("live/cam", "key 7");
        house.UntilTaken();
        var post = Assert.Single(_site.All);
        var json = HookHouse.Json(post);
        Assert.Equal(["id", "event", "question", "time", .. HookKind.Publish.Fields], json.EnumerateObject().Select(static p => p.Name));
        Assert.Equal(("on_publish", false, "live/cam", "key 7"), (json.GetProperty("event").GetString(), json.GetProperty("question").GetBoolean(),
            json.GetProperty("stream").GetString(), json.GetProperty("publisher").GetString()));
        Assert.Equal(json.GetProperty("id").GetString(), post.Id);
        Assert.Equal(("on_publish", "application/json"), (post.Headers["X-XLive-Event"], post.Headers["Content-Type"]));
        var parts = post.Headers["X-XLive-Signature"].Split(',');
        var time = parts[0]["t=".Length..];
        Assert.InRange(long.Parse(time, CultureInfo.InvariantCulture), json.GetProperty("time").GetInt64(), house.Clock.Unix);
        byte[] signed = [.. Encoding.ASCII.GetBytes(time + "."), .. post.Body];
        var mac = HMACSHA256.HashData(Encoding.UTF8.GetBytes(HookHouse.Secret), signed);
        Assert.Equal("v1=" + Convert.ToHexStringLower(mac), parts[1]);
        Assert.Equal((1, 0), (house.Sender.Delivered, house.Sender.FailedAttempts));
    }

    public static TheoryData<string> Faults => ["refuses", "dies in its head", "hangs", "500", "redirects", "garbage", "429", "404", "10 MB of no"];

    private static void Do(string fault, Socket socket)
    {
        switch (fault)
        {
            case "refuses": socket.Close(0); break;
            case "dies in its head": socket.Send("HTTP/1.1 200 OK\r\nContent-Le"u8); socket.Close(); break;
            case "hangs": break;
            case "500": ScriptedReceiver.Say(socket, "500 No", "{}"); break;
            case "redirects": ScriptedReceiver.Say(socket, "307 There", "", "Location: /other\r\n"); break;
            case "garbage": socket.Send("\0\u0001 no HTTP at all\r\n\r\n"u8); socket.Close(); break;
            case "429": ScriptedReceiver.Say(socket, "429 Slower", "", "Retry-After: 7\r\n"); break;
            case "404": ScriptedReceiver.Say(socket, "404 Where", ""); break;
            default: ScriptedReceiver.Say(socket, "503 No", new string('x', 10 << 20)); break;
        }
    }

    [Theory, MemberData(nameof(Faults))]
    public async Task After_any_fault_the_same_bytes_come_again_and_the_next_of_the_stream_after_them(string fault)
    {
        _site.Answer = (number, socket) =>
        {
            if (number < 3)
                Do(fault, socket);
            else
                Yes(socket);
        };
        await using var house = new HookHouse(_site);
        if (fault == "hangs")
            house.Options.Timeout = TimeSpan.FromMinutes(1);
        await house.StartAsync();
        house.Publish("live/cam", "first");
        house.Publish("live/cam", "second");
        // Silence ends by the clock as well.
        house.UntilTaken();
        // On a busy machine an answer may be late for a clock that leaps, and its event come once more.
        var order = _site.All.ConvertAll(static p => HookHouse.Field(p, "publisher"));
        Assert.Equal(order.Order(StringComparer.Ordinal), order);
        Assert.True(order.Count(static p => p == "first") >= 4 && order[^1] == "second", string.Join(' ', order));
        Assert.Equal(2, _site.All.DistinctBy(static p => p.Id).Count());
        Assert.All(_site.All.Where((_, i) => order[i] == "first"), p => Assert.Equal(_site.All[0].Body, p.Body));
        Assert.Equal(2, house.Sender.Delivered);
        Assert.True(house.Sender.FailedAttempts >= 3, "no failure was counted");
        Assert.Null(house.Endpoint.Trouble);
    }

    [Fact]
    public async Task Whatever_its_body_a_yes_is_one_and_no_more_than_a_little_of_it_is_read()
    {
        var sent = 0L;
        _site.Answer = (number, socket) =>
        {
            if (number > 0)
            {
                Yes(socket);
                return;
            }
            socket.Send(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {1L << 30}\r\n\r\n"));
            var piece = new byte[1 << 20];
            try
            {
                while (sent < 1L << 30)
                    sent += socket.Send(piece);
            }
            catch (SocketException)
            {
                // It has heard enough.
            }
        };
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Publish("live/cam");
        house.Publish("live/cam");
        house.UntilTaken();
        Assert.Equal((2, 0), (house.Sender.Delivered, house.Sender.FailedAttempts));
        // What fits into the buffers of two sockets.
        Assert.InRange(sent, 0, 64 << 20);
    }

    [Fact]
    public async Task A_stream_whose_event_is_not_taken_holds_up_no_other()
    {
        var refuse = true;
        _site.Answer = (number, socket) =>
        {
            if (Volatile.Read(ref refuse) && HookHouse.Field(_site.All[number], "stream") == "live/bad")
                Do("500", socket);
            else
                Yes(socket);
        };
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Publish("live/bad", "0");
        house.Publish("live/bad", "1");
        for (var i = 0; i < 50; i++)
            house.Publish("live/good" + i % 5, i.ToString(CultureInfo.InvariantCulture));
        house.Pass(() => house.Depth.Waiting == 2, "the others are taken");
        Assert.DoesNotContain(_site.All, static p => HookHouse.Field(p, "stream") == "live/bad" && HookHouse.Field(p, "publisher") == "1");
        for (var stream = 0; stream < 5; stream++)
            Assert.Equal(Enumerable.Range(0, 10).Select(n => n * 5 + stream), PublishersOf("live/good" + stream).Distinct());
        Volatile.Write(ref refuse, false);
        house.UntilTaken();
        Assert.Equal([0, 1], PublishersOf("live/bad").Distinct());
    }

    private IEnumerable<int> PublishersOf(string stream) => _site.All.Where(p => HookHouse.Field(p, "stream") == stream)
        .Select(static p => int.Parse(HookHouse.Field(p, "publisher"), CultureInfo.InvariantCulture));

    [Fact]
    public async Task Kill_and_start_lose_none_and_keep_the_order_of_each_stream()
    {
        var away = true;
        await using var house = new HookHouse(_site);
        _site.Answer = (number, socket) =>
        {
            if (Volatile.Read(ref away))
                Do("refuses", socket);
            else if (number % 7 == 0)
                socket.Close(); // it has it, and its answer is lost
            else
                Yes(socket);
        };
        await house.StartAsync();
        for (var i = 0; i < 100; i++)
        {
            house.Publish("live/cam" + i % 4, i.ToString(CultureInfo.InvariantCulture));
            if (i % 30 == 29)
                await house.KillAndStartAsync();
        }
        await house.KillAndStartAsync();
        Assert.Equal(100, house.Depth.Waiting);
        Volatile.Write(ref away, false);
        var before = _site.All.Count;
        house.Pass(() => house.Depth.Waiting < 60, "some are taken");
        await house.KillAndStartAsync();
        house.UntilTaken();
        var taken = _site.All[before..].DistinctBy(static p => p.Id).ToList();
        Assert.Equal(100, taken.Count);
        for (var stream = 0; stream < 4; stream++)
        {
            var order = taken.Where(p => HookHouse.Field(p, "stream") == "live/cam" + stream).Select(static p => int.Parse(HookHouse.Field(p, "publisher"), CultureInfo.InvariantCulture));
            Assert.Equal(Enumerable.Range(0, 25).Select(n => n * 4 + stream), order);
        }
    }

    [Fact]
    public async Task A_dead_site_is_asked_by_one_post_at_a_time_and_less_and_less_often()
    {
        _site.Answer = static (_, socket) => Do("500", socket);
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        for (var i = 0; i < 200; i++)
            house.Publish("live/cam" + i);
        house.Pass(() => house.Endpoint.IsSilent, "silent");
        Until.True(() => house.Depth.Waiting == 200, "all written");
        var before = _site.All.Count;
        var begun = house.Clock.Steady;
        house.Pass(() => house.Clock.Steady - begun > TimeSpan.FromHours(1), "an hour", TimeSpan.FromSeconds(20));
        // 5 minutes at most and a half of it at least; the first ones are closer.
        Assert.InRange(_site.All.Count - before, 1, 40);
        _site.Answer = static (_, socket) => Yes(socket);
        house.Pass(() => house.Depth.Waiting == 0, "all is taken", TimeSpan.FromSeconds(20));
        Assert.Equal(200, house.Sender.Delivered);
    }

    [Theory]
    [InlineData("400 Bad")]
    [InlineData("413 Big")]
    [InlineData("422 No")]
    public async Task What_the_site_will_never_take_waits_for_an_operator_and_its_stream_goes_on(string status)
    {
        _site.Answer = (number, socket) =>
        {
            if (number == 0)
                ScriptedReceiver.Say(socket, status, "");
            else
                Yes(socket);
        };
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Publish("live/cam", "first");
        house.Publish("live/cam", "second");
        house.UntilTaken();
        Assert.Equal((1, 1, 1, 1), (house.Depth.Dead, house.Sender.Dead, house.Sender.GivenUp, house.Sender.Delivered));
        var dead = Assert.Single(house.Sender.Spool!.List(10));
        Assert.Equal((_site.All[0].Id, "answered " + status[..3], 1), (dead.Id, dead.Said, dead.Attempts));
        Assert.False(house.Sender.Spool.Replay("none"));
        Assert.True(house.Sender.Spool.Replay(dead.Id));
        house.UntilTaken();
        Until.Equal(0, () => house.Sender.Dead, "given up");
        Assert.Equal(["first", "second", "first"], _site.All.Select(static p => HookHouse.Field(p, "publisher")));
        Assert.Equal(_site.All[0].Body, _site.All[2].Body);
    }

    [Fact]
    public async Task What_is_not_taken_for_a_day_is_given_up_and_can_be_replayed_in_its_order_or_dropped()
    {
        _site.Answer = static (_, socket) => Do("refuses", socket);
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        for (var i = 0; i < 6; i++)
            house.Publish("live/cam" + i % 2, i.ToString(CultureInfo.InvariantCulture));
        house.UntilWritten();
        house.Pass(() => house.Depth.Dead == 6, "a day", TimeSpan.FromMinutes(2));
        Assert.InRange(house.Clock.Steady, TimeSpan.FromHours(24), TimeSpan.FromHours(25));
        Until.Equal(6, () => house.Sender.Dead, "given up");
        // A start knows of them.
        await house.KillAndStartAsync();
        Until.True(() => house.Sender.Spool is not null && house.Sender.Dead == 6, "given up");
        var before = _site.All.Count;
        _site.Answer = static (_, socket) => Yes(socket);
        // As a command beside the server does it.
        using (var other = HookSpool.Open(house.File, house.Clock))
        {
            var ids = other.List(10).ConvertAll(static e => e.Id);
            Assert.True(other.Drop(ids[0]));
            foreach (var id in ids[1..].AsEnumerable().Reverse())
                Assert.True(other.Replay(id));
        }
        house.Pass(() => _site.All.Count == before + 5 && house.Depth.Count == 0, "the replayed ones");
        Assert.Equal(["2", "4"], Of("live/cam0"));
        Assert.Equal(["1", "3", "5"], Of("live/cam1"));
        Assert.Equal(0, house.Sender.Dead);

        IEnumerable<string> Of(string stream) => _site.All[before..].Where(p => HookHouse.Field(p, "stream") == stream).Select(static p => HookHouse.Field(p, "publisher"));
    }

    [Fact]
    public async Task A_full_spool_keeps_what_it_has()
    {
        await using var house = new HookHouse(_site);
        using var spool = HookSpool.Open(house.File, house.Clock);
        Assert.True(spool.HasChanged());
        var big = Enumerable.Range(0, 40).Select(static i => new HookEvent("big" + i, HookKind.Publish, "live/cam", new byte[1 << 20])).ToList();
        var places = spool.Put(big);
        Assert.All(places[..32], static p => Assert.True(p > 0));
        Assert.All(places[32..], static p => Assert.Equal(0, p));
        Assert.Equal((32, HookSpool.MostBytes), (spool.Depth().Count, spool.Depth().Bytes));
        spool.Taken(spool.Find(places[0])!);
        Assert.True(spool.Put([big[39]])[0] > 0);
    }

    [Fact]
    public async Task What_is_told_faster_than_it_can_be_written_is_bounded_and_counted()
    {
        await using var house = new HookHouse(_site);
        var events = new HookEvents(() => house.Options, static () => Server.Telemetry.AddressPrivacy.Full, house.Clock);
        for (var i = 0; i < HookEvents.MostInMemory + 5; i++)
            events.Tell(HookKind.Health, new());
        Assert.Equal((HookEvents.MostInMemory, 5, HookEvents.MostInMemory), (events.InMemory, events.Dropped, events.Count(HookKind.Health)));
        house.Options = new HookOptions { Url = _site.Url, Events = ["on_play"] };
        events.Tell(HookKind.Health, new());
        house.Options = new HookOptions();
        events.Tell(HookKind.Play, new());
        Assert.Equal(5, events.Dropped);
    }

    [Fact]
    public async Task A_damaged_spool_is_set_aside_and_events_go_on()
    {
        await using var house = new HookHouse(_site);
        await File.WriteAllBytesAsync(house.File, Pattern.Bytes(10_000), TestContext.Current.CancellationToken);
        await house.StartAsync();
        house.Publish("live/cam");
        Until.Equal(1, () => house.Sender.Delivered, "delivered");
        Assert.True(File.Exists(house.File + ".damaged"));
        Assert.Null(house.Sender.Fault);
    }

    [Fact]
    public async Task The_end_of_the_server_writes_down_what_was_told()
    {
        _site.Answer = static (_, socket) => Do("refuses", socket);
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Publish("live/cam", "first");
        house.Pass(() => house.Sender.FailedAttempts > 0, "a failure");
        house.Publish("live/cam", "last");
        await house.Sender.StopAsync(CancellationToken.None);
        await Task.Yield();
        Assert.Equal(2, house.Depth.Waiting);
    }
}
