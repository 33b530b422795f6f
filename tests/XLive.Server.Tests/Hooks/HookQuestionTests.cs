using System.Net.Sockets;
using XLive.Server.Hooks;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Reports;

namespace XLive.Server.Tests.Hooks;

/// <summary>What the site is asked, what counts as its answer, and who waits for it: nobody twice, and nobody for a dead one.</summary>
public sealed class HookQuestionTests : IDisposable
{
    private readonly ScriptedReceiver _site = new();

    public void Dispose() => _site.Dispose();

    private static Task<HookVerdict> Ask(HookHouse house, string who = "viewer", string stream = "live/cam") =>
        house.Questions.AskAsync(HookKind.Play, who, new() { Stream = stream, Uid = "u1" }).AsTask();

    private static async Task<HookVerdict> Answer(HookHouse house, string who = "viewer")
    {
        var verdict = await Ask(house, who);
        // The test blocks on what the site has heard.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return verdict;
    }

    [Theory]
    [InlineData("200 OK", HookVerdict.Allow, HookVerdict.Allow)]
    [InlineData("204 OK", HookVerdict.Allow, HookVerdict.Allow)]
    [InlineData("403 No", HookVerdict.Deny, HookVerdict.Deny)]
    [InlineData("401 No", HookVerdict.Deny, HookVerdict.Deny)]
    [InlineData("404 No", HookVerdict.Deny, HookVerdict.Deny)]
    [InlineData("408 Late", HookVerdict.Allow, HookVerdict.Silent)]
    [InlineData("429 Slower", HookVerdict.Allow, HookVerdict.Silent)]
    [InlineData("302 There", HookVerdict.Allow, HookVerdict.Silent)]
    [InlineData("500 Broken", HookVerdict.Allow, HookVerdict.Silent)]
    [InlineData("junk", HookVerdict.Allow, HookVerdict.Silent)]
    public async Task The_status_is_the_answer_and_what_is_none_is_silence(string status, HookVerdict whereAllowed, HookVerdict whereDenied)
    {
        _site.Answer = (_, socket) => ScriptedReceiver.Say(socket, status, "garbage { \0");
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        Assert.Equal(whereAllowed, await Answer(house, "one"));
        house.Options = new() { Url = _site.Url, Secret = HookHouse.Secret, OnSilence = OnSilence.Deny };
        Assert.Equal(whereDenied, await Answer(house, "two"));
        var asked = HookHouse.Json(_site.All[0]);
        Assert.Equal((true, "on_play", "live/cam", "u1"), (asked.GetProperty("question").GetBoolean(), asked.GetProperty("event").GetString(),
            asked.GetProperty("stream").GetString(), asked.GetProperty("uid").GetString()));
        Assert.Contains("v1=", _site.All[0].Headers["X-XLive-Signature"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("200 OK", "", 60)]
    [InlineData("403 No", "", 10)]
    [InlineData("200 OK", "Cache-Control: max-age=5\r\n", 5)]
    [InlineData("403 No", "Cache-Control: private, max-age=300\r\n", 300)]
    [InlineData("200 OK", "Cache-Control: max-age=999999999\r\n", 3600)]
    [InlineData("200 OK", "Cache-Control: no-store\r\n", 0)]
    [InlineData("200 OK", "Cache-Control: max-age=-1\r\n", 60)]
    public async Task An_answer_holds_for_as_long_as_the_site_says(string status, string header, int seconds)
    {
        _site.Answer = (_, socket) => ScriptedReceiver.Say(socket, status, "", header);
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        var first = await Answer(house);
        if (seconds > 0)
        {
            house.Clock.Pass(TimeSpan.FromSeconds(seconds - 0.5));
            var kept = Ask(house);
            Assert.True(kept.IsCompletedSuccessfully, "a kept answer is waited for");
            Assert.Equal(first, await kept);
            Assert.Single(_site.All);
        }
        house.Clock.Pass(TimeSpan.FromSeconds(0.6));
        Assert.Equal(first, await Answer(house));
        Assert.Equal(2, _site.All.Count);
        // Another viewer, and another stream, is another question.
        await Answer(house, "another");
        await Ask(house, stream: "live/other");
        Assert.Equal(4, _site.All.Count);
    }

    [Fact]
    public async Task Many_requests_of_one_viewer_are_one_question()
    {
        Socket? socket = null;
        _site.Answer = (_, at) => Volatile.Write(ref socket, at);
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        var asked = Enumerable.Range(0, 20).Select(_ => Ask(house)).ToArray();
        Until.True(() => Volatile.Read(ref socket) is not null, "a question");
        Assert.DoesNotContain(asked, static a => a.IsCompleted);
        ScriptedReceiver.Say(socket!, "403 No", "");
        Assert.All(await Task.WhenAll(asked), static v => Assert.Equal(HookVerdict.Deny, v));
        Assert.Single(_site.All);
    }

    [Fact]
    public async Task What_is_not_chosen_is_not_asked()
    {
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Options = new() { Url = _site.Url, Secret = HookHouse.Secret, Events = ["on_publish"] };
        Assert.True(Ask(house).IsCompletedSuccessfully);
        house.Options = new();
        Assert.True(Ask(house).IsCompletedSuccessfully);
        Assert.Empty(_site.All);
    }

    /// <summary>It accepts, and says nothing. The first two who come wait; as soon as it counts as silent nobody does, they neither.</summary>
    [Theory]
    [InlineData(OnSilence.Allow, HookVerdict.Allow)]
    [InlineData(OnSilence.Deny, HookVerdict.Silent)]
    public async Task Nobody_waits_for_a_dead_site_but_the_first(OnSilence onSilence, HookVerdict verdict)
    {
        _site.Answer = static (_, _) => { };
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Options = new() { Url = _site.Url, Secret = HookHouse.Secret, OnSilence = onSilence, Timeout = TimeSpan.FromSeconds(5) };
        var first = Ask(house, "first");
        Until.Equal(1, () => _site.All.Count, "questions");
        Until.Equal(1, () => house.Clock.Timers.Count(static t => t == TimeSpan.FromSeconds(5)), "its patience");
        house.Clock.Pass(TimeSpan.FromSeconds(3));
        var second = Ask(house, "second");
        Until.Equal(2, () => _site.All.Count, "questions");
        Until.Equal(1, () => house.Clock.Timers.Count(static t => t == TimeSpan.FromSeconds(5)), "its patience");
        house.Clock.Pass(TimeSpan.FromSeconds(2));
        Assert.Equal(verdict, await first);
        await Task.Yield();
        var third = Ask(house, "third");
        Until.Equal(3, () => _site.All.Count, "questions");
        Assert.False(second.IsCompleted || third.IsCompleted);
        house.Clock.Pass(TimeSpan.FromSeconds(3));
        // The third has waited three seconds, and does not wait for two more.
        Until.True(() => second.IsCompleted && third.IsCompleted, "those who wait are let go");
        Assert.Equal((verdict, verdict), (await second, await third));
        await Task.Yield();
        Assert.True(house.Endpoint.IsSilent);
        Assert.Equal("no answer within 5 s", house.Endpoint.Trouble);
        for (var i = 0; i < 1000; i++)
        {
            var answer = Ask(house, "viewer" + i);
            Assert.True(answer.IsCompletedSuccessfully, "a viewer waits for a dead site");
            Assert.Equal(verdict, await answer);
        }
        Assert.InRange(_site.All.Count, 3, 4);
        // It is tried beside those who come, and back when it answers.
        _site.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "403 No", "");
        house.Pass(() =>
        {
            Assert.True(Ask(house, "probe").IsCompletedSuccessfully || !house.Endpoint.IsSilent);
            return !house.Endpoint.IsSilent;
        }, "it is back");
        Assert.Equal(HookVerdict.Deny, await Answer(house, "last"));
    }

    [Fact]
    public async Task An_event_that_is_taken_ends_the_silence_as_well()
    {
        _site.Answer = static (_, socket) => socket.Close(0);
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        house.Publish("live/cam");
        house.Pass(() => house.Endpoint.IsSilent, "silent");
        _site.Answer = static (_, socket) => ScriptedReceiver.Say(socket, "200 OK", "");
        house.UntilTaken();
        Assert.False(house.Endpoint.IsSilent);
    }

    [Fact]
    public async Task There_is_a_bound_on_questions_and_beyond_it_is_silence()
    {
        _site.Answer = static (_, _) => { };
        await using var house = new HookHouse(_site);
        await house.StartAsync();
        var asked = Enumerable.Range(0, HookQuestions.MostAsked).Select(i => Ask(house, "viewer" + i)).ToArray();
        Assert.Equal(HookQuestions.MostAsked, house.Questions.Asked);
        Assert.True(Ask(house, "one more").IsCompletedSuccessfully);
        Assert.DoesNotContain(asked, static a => a.IsCompleted);
        house.Pass(() => house.Questions.Asked == 0, "all are over", TimeSpan.FromSeconds(10));
        await Task.WhenAll(asked);
    }
}
