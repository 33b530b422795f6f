using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using XLive.Server.Accounts;
using XLive.Server.Storage;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

/// <summary>The whole server over one kind of database, its admin, and what he asks of its API.</summary>
internal sealed class AccountApi : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly string _url;

    private AccountApi(GateServer server, HttpClient http, string url, string admin) => (Server, _http, _url, Admin) = (server, http, url, admin);

    public GateServer Server { get; }

    /// <summary>The admin's own access token.</summary>
    public string Admin { get; }

    public static async Task<AccountApi> StartAsync(DatabaseKind kind = DatabaseKind.Sqlite, string rest = "")
    {
        var url = kind.NewUrl();
        var database = url.Length > 0 ? $"database:\n  url: \"{url}\"\n" : "";
        var server = await GateServer.StartAsync(rest: $"auth:\n  admin_password: {GateServer.AdminPassword}\n  token_lifetime: 1d\n{database}{rest}");
        return new AccountApi(server, new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Port}") }, url, await RouteTests.SignIn(server));
    }

    public T Get<T>() where T : notnull => (T)Server.Services.GetService(typeof(T))!;

    public Database OpenBeside() => DatabaseKinds.Open(_url, Server.Folder + "/data");

    /// <param name="bearer">Null: the admin's; empty: none.</param>
    public async Task<(int Status, JsonElement Json, HttpResponseHeaders Headers)> Ask(string method, string path, string? json = null, string? bearer = null, string? ifMatch = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        if (bearer != "")
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer ?? Admin);
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var answer = await _http.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Assert.True(answer.Headers.CacheControl?.NoStore, $"{method} {path} may be stored");
        if (answer.StatusCode >= HttpStatusCode.BadRequest)
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.ToString());
        if (text.Length == 0)
            return ((int)answer.StatusCode, default, answer.Headers);
        using var document = JsonDocument.Parse(text);
        return ((int)answer.StatusCode, document.RootElement.Clone(), answer.Headers);
    }

    public async Task<int> Status(string method, string path, string? json = null, string? bearer = null, string? ifMatch = null) =>
        (await Ask(method, path, json, bearer, ifMatch)).Status;

    public async Task<JsonElement> Got(int status, string method, string path, string? json = null, string? bearer = null, string? ifMatch = null)
    {
        var answer = await Ask(method, path, json, bearer, ifMatch);
        Assert.True(answer.Status == status, $"{method} {path}: {answer.Status} {answer.Json}");
        return answer.Json;
    }

    /// <summary>All of a list, so many at a time.</summary>
    public async Task<List<JsonElement>> Pages(string path, string word, int most)
    {
        List<JsonElement> all = [];
        for (string? cursor = ""; cursor is not null;)
        {
            var page = await Got(200, "GET", $"{path}{(path.Contains('?') ? '&' : '?')}limit={most}{(cursor.Length > 0 ? "&cursor=" + Uri.EscapeDataString(cursor) : "")}");
            var entries = page.GetProperty(word).EnumerateArray().ToList();
            Assert.InRange(entries.Count, cursor.Length > 0 ? 1 : 0, most);
            all.AddRange(entries);
            cursor = page.GetProperty("next_cursor").GetString();
        }
        return all;
    }

    /// <summary>Everything that lies in the server's folder and on its console.</summary>
    public bool IsWritten(string secret)
    {
        if (Server.AllOutput().Contains(secret, StringComparison.Ordinal))
            return true;
        foreach (var file in Directory.EnumerateFiles(Server.Folder + "/data", "*", SearchOption.AllDirectories))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            if (bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) >= 0)
                return true;
        }
        return false;
    }

    public bool IsAudited(string what) => Server.LogLines("audit.log").Any(l => l.Contains(what, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Server.DisposeAsync();
    }
}
