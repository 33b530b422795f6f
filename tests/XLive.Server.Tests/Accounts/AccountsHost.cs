using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using XLive.Server.Accounts;
using XLive.Server.Limits;
using XLive.Server.Door;
using XLive.Server.Storage;
using XLive.Server.Telemetry;
using XLive.Server.Tests.Storage;
using XLive.Server.Tests.Telemetry;

namespace XLive.Server.Tests.Accounts;

/// <summary>The accounts behind a real port, on a clock that the test moves. Hashes are cheap here; their cost has a test of its own.</summary>
internal sealed class AccountsHost : IAsyncDisposable
{
    public const string AdminPassword = "correct horse battery";

    private readonly WebApplication _app;
    private readonly LogFolder _logs;
    private readonly DataOptions _data;

    public StoppedClock Clock => _logs.Clock;
    public HttpClient Http { get; }
    public Users Users => Get<Users>();
    public bool FirstStart { get; }

    /// <summary>Where the next request comes from.</summary>
    public IPAddress From { get; set; } = IPAddress.Loopback;

    private AccountsHost(WebApplication app, DataOptions data, bool first, LogFolder logs)
    {
        (_app, _data, FirstStart, _logs) = (app, data, first, logs);
        Http = new HttpClient { BaseAddress = new Uri(app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>()
            .Features.Get<IServerAddressesFeature>()!.Addresses.First()) };
    }

    public static async Task<AccountsHost> StartAsync(AuthOptions? options = null, string environment = "Production",
        string? password = AdminPassword, string? dataDir = null, Action<WebApplication>? map = null,
        string databaseUrl = "")
    {
        DataOptions data = new() { Dir = dataDir ?? Directory.CreateTempSubdirectory("xlive-accounts-").FullName };
        AccountsHost? host = null;
        LogFolder logs = new();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.AddLogs(logs.Files);
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        builder.Services.AddSingleton(data);
        builder.Services.AddSingleton(new DatabaseOptions { Url = databaseUrl });
        builder.Services.AddSingleton(options ?? new AuthOptions());
        builder.Services.AddSingleton<TimeProvider>(_ => logs.Clock);
        builder.Services.AddSingleton<AddressOf>(_ => host!.From);
        builder.Services.AddSingleton(_ => new Passwords(iterations: 1000));
        builder.Services.AddStorage();
        builder.Services.AddSingleton(static p => new LoginLimits(p.GetRequiredService<TimeProvider>(), static () => new RateLimit { Count = 10, Window = TimeSpan.FromMinutes(1) }));
        builder.Services.AddAccounts();
        WebApplication app = builder.Build();
        app.UseProblems();
        app.UseRouting();
        app.UsePermissions();
        app.MapAccounts();
        app.MapGet("/who", (RequestDelegate)(http => http.Response.WriteAsync(http.SignedIn()!.Name))).Requires(Permission.None);
        app.MapGet("/monitored", (RequestDelegate)(http => http.Response.WriteAsync("ok"))).Requires(Permission.Monitor);
        app.MapGet("/administered", (RequestDelegate)(http => http.Response.WriteAsync("ok"))).Requires(Permission.Admin);
        app.MapGet("/forgotten", (RequestDelegate)(http => http.Response.WriteAsync("never")));
        app.MapGet("/fault", (RequestDelegate)(_ => throw new InvalidOperationException("SECRET"))).Public();
        map?.Invoke(app);
        bool first = app.Services.StartAccounts();
        if (password is not null)
        {
            await app.Services.GetRequiredService<Users>().SetPasswordAsync(Users.Admin, password);
        }
        await app.StartAsync();
        host = new AccountsHost(app, data, first, logs) { DatabaseUrl = databaseUrl };
        return host;
    }

    public string DataDir => _data.Dir;

    public string DatabaseUrl { get; private init; } = "";

    /// <summary>The same database, as a command beside the server opens it.</summary>
    public Database OpenBeside() => DatabaseKinds.Open(DatabaseUrl, DataDir);

    public string AllLogs => string.Join('\n', new[] { "audit.log", "xlive.log", "error.log", "access.log" }.SelectMany(_logs.Lines));

    public T Get<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    public IEnumerable<Endpoint> Endpoints =>
        ((Microsoft.AspNetCore.Routing.IEndpointRouteBuilder)_app).DataSources.SelectMany(s => s.Endpoints);

    public Task<HttpResponseMessage> Post(string path, string json, string? bearer = null) => Send(HttpMethod.Post, path, json, bearer);

    public Task<HttpResponseMessage> Fetch(string path, string? bearer = null) => Send(HttpMethod.Get, path, null, bearer);

    public async Task<HttpResponseMessage> Send(HttpMethod method, string path, string? json, string? bearer)
    {
        using HttpRequestMessage request = new(method, path);
        if (json is not null)
        {
            request.Content = new StringContent(json, Encoding.UTF8, "application/json");
        }
        if (bearer is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        }
        return await Send(request);
    }

    public async Task<(string Access, string Refresh)> SignIn(string name = Users.Admin, string password = AdminPassword) =>
        await Tokens(await Post("/login", JsonSerializer.Serialize(new { username = name, password })));

    public static async Task<(string Access, string Refresh)> Tokens(HttpResponseMessage response)
    {
        string body = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        using JsonDocument json = JsonDocument.Parse(body);
        return (json.RootElement.GetProperty("access_token").GetString()!, json.RootElement.GetProperty("refresh_token").GetString()!);
    }

    /// <summary>What a test does next may ask the database, which the sockets' own thread must not.</summary>
    public async Task<HttpResponseMessage> Send(HttpRequestMessage request)
    {
        HttpResponseMessage answer = await Http.SendAsync(request);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return answer;
    }

    public static Task<string> Text(HttpResponseMessage response) => response.Content.ReadAsStringAsync();

    public static async Task<string> Detail(HttpResponseMessage response)
    {
        using JsonDocument json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("detail").GetString()!;
    }

    /// <summary>A stop and a start on the same data.</summary>
    public async Task<AccountsHost> RestartAsync(AuthOptions? options = null)
    {
        await StopAsync();
        return await StartAsync(options, password: null, dataDir: DataDir, databaseUrl: DatabaseUrl);
    }

    private async Task StopAsync()
    {
        Http.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        _logs.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Directory.Exists(DataDir))
        {
            Directory.Delete(DataDir, recursive: true);
        }
    }
}
