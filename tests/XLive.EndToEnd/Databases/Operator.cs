using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Databases;

/// <summary>A server among faults of its database, the film that must go on playing, and the operator who knocks meanwhile.</summary>
internal sealed class Operator(ServerProcess server, string film) : IDisposable
{
    public const string Password = "correct horse battery";

    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(3);

    private static readonly byte[] s_film = [.. Enumerable.Range(0, 200_000).Select(i => (byte)(i * 7))];

    private readonly CancellationTokenSource _end = new();
    private Task _playing = Task.CompletedTask;
    private string? _refresh;
    private readonly Stopwatch _since = new();
    private int _played;

    public static string[] Options => ["--auth.admin_password=" + Password];

    public static string MediaIn(TempFolder folder)
    {
        string media = Directory.CreateDirectory(folder["media"]).FullName;
        Directory.CreateDirectory(Path.Combine(media, "film"));
        File.WriteAllBytes(Path.Combine(media, "film", "a.ts"), s_film);
        return media;
    }

    public string? Token { get; private set; }

    public int Played => Volatile.Read(ref _played);

    /// <summary>New viewers all the time, each with all bytes and in time; the first fault is thrown by <see cref="PlayedOn"/>.</summary>
    public void Play() => _playing = Task.Run(async () =>
    {
        _since.Start();
        for (int i = 0; !_end.IsCancellationRequested; i++)
        {
            Stopwatch took = Stopwatch.StartNew();
            Assert.Equal(s_film, await server.Http.GetByteArrayAsync(ServerProcess.Sign(film, $"viewer{i}").InQuery));
            // Fifty times what it takes: the machine runs other tests too, and a wait for the database is 5 s at least.
            Assert.InRange(took.Elapsed, TimeSpan.Zero, s_longest);
            Interlocked.Increment(ref _played);
            await Task.Delay(20);
        }
    });

    /// <summary>Viewers have played from the beginning to now: as many as that takes when each has the longest that he may.</summary>
    public async Task PlayedOn()
    {
        TimeSpan whole = _since.Elapsed;
        await _end.CancelAsync();
        await _playing;
        TestContext.Current.TestOutputHelper?.WriteLine($"{Played} films were played in {whole.TotalSeconds:F1} s");
        Assert.InRange(Played, (int)(whole / s_longest), int.MaxValue);
        Assert.NotEqual(0, Played);
    }

    public Task<HttpResponseMessage> Knock() => server.Http.PostAsJsonAsync("/login", new { username = "admin", password = Password });

    public async Task SignIn()
    {
        using HttpResponseMessage answer = await Knock();
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}\n{server.Output}");
        await Keep(answer);
    }

    /// <summary>A write, without the cost of a password.</summary>
    public async Task<HttpStatusCode> Refresh()
    {
        HttpStatusCode said = await Try();
        Assert.NotEqual(HttpStatusCode.Unauthorized, said);
        return said;
    }

    /// <summary>The same where the token may have been used up by a try that failed.</summary>
    public async Task<HttpStatusCode> Try()
    {
        using HttpResponseMessage answer = await server.Http.PostAsJsonAsync("/refresh", new { refresh_token = _refresh });
        if (answer.IsSuccessStatusCode)
        {
            await Keep(answer);
        }
        else if (answer.StatusCode != HttpStatusCode.Unauthorized)
        {
            await IsProblem(answer, server.Output);
        }
        return answer.StatusCode;
    }

    public static async Task IsProblem(HttpResponseMessage answer, string said = "")
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero, await answer.Content.ReadAsStringAsync() + "\n" + said[^Math.Min(said.Length, 4000)..]);
    }

    /// <summary>Until the operator gets in again; fails when it takes longer.</summary>
    public async Task<TimeSpan> ComesBack(TimeSpan within)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (true)
        {
            using HttpResponseMessage answer = await Knock();
            if (answer.IsSuccessStatusCode)
            {
                await Keep(answer);
                return waited.Elapsed;
            }
            Assert.True(waited.Elapsed < within, $"{answer.StatusCode} after {waited.Elapsed}\n{server.Output}");
            await Task.Delay(300);
        }
    }

    public async Task<(string State, string Database)> Health() => await Health("database");

    /// <summary>What one of health's checks says to an operator.</summary>
    public async Task<string> DetailOf(string check) => (await Health(check)).Detail;

    private async Task<(string State, string Detail)> Health(string check)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/health");
        request.Headers.Authorization = Token is null ? null : new("Bearer", Token);
        using HttpResponseMessage answer = await server.Http.SendAsync(request);
        using JsonDocument json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        string detail = json.RootElement.TryGetProperty("checks", out JsonElement checks)
            ? checks.EnumerateArray().Single(c => c.GetProperty("name").GetString() == check).GetProperty("detail").GetString()! : "";
        return (json.RootElement.GetProperty("status").GetString()!, detail);
    }

    public async Task HealthBecomes(string state, string says, TimeSpan within)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (await Health() is var health && (health.State != state || !health.Database.Contains(says, StringComparison.Ordinal)))
        {
            Assert.True(waited.Elapsed < within, $"health is {health} after {waited.Elapsed}\n{server.Output}");
            await Task.Delay(200);
        }
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
    }

    private async Task Keep(HttpResponseMessage answer)
    {
        using JsonDocument json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Token = json.RootElement.GetProperty("access_token").GetString();
        _refresh = json.RootElement.GetProperty("refresh_token").GetString();
    }
}
