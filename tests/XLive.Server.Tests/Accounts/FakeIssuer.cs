using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Accounts;

namespace XLive.Server.Tests.Accounts;

/// <summary>Another issuer of tokens, with keys of its own behind a real port. It says of them what the test wants.</summary>
internal sealed class FakeIssuer : IAsyncDisposable
{
    public const string Name = "https://id.example/";
    public const string Audience = "xlive.example";

    private readonly WebApplication _app;
    private readonly CancellationTokenSource _end = new();
    private int _asked;

    private FakeIssuer(WebApplication app) => _app = app;

    public ECDsa Curve { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    public RSA Modulus { get; } = RSA.Create(2048);

    /// <summary>Members of the set, as JSON.</summary>
    public List<string> Keys { get; } = [];

    /// <summary>Instead of the set.</summary>
    public Func<HttpContext, CancellationToken, Task>? Answer { get; set; }

    public int Asked => Volatile.Read(ref _asked);

    public string Url { get; private set; } = "";

    public AuthOptions Options => new() { JwksUrl = Url, Issuer = Name, Audience = Audience };

    public static async Task<FakeIssuer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static k => k.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var issuer = new FakeIssuer(app);
        app.Run(issuer.ServeAsync);
        await app.StartAsync();
        issuer.Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/keys";
        issuer.Keys.Add(Jwk(issuer.Curve, "ec"));
        issuer.Keys.Add(Jwk(issuer.Modulus, "rsa"));
        return issuer;
    }

    public string Set => $$"""{"keys":[{{string.Join(',', Keys)}}]}""";

    private async Task ServeAsync(HttpContext http)
    {
        Interlocked.Increment(ref _asked);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _end.Token);
        try
        {
            await (Answer?.Invoke(http, patience.Token) ?? http.Response.WriteAsync(Set, patience.Token));
        }
        catch (OperationCanceledException)
        {
            http.Abort();
        }
    }

    public static string Jwk(ECDsa key, string kid, string more = "")
    {
        var q = key.ExportParameters(false).Q;
        return $$"""{"kty":"EC","crv":"P-256","kid":"{{kid}}","x":"{{B64(q.X!)}}","y":"{{B64(q.Y!)}}"{{more}}}""";
    }

    public static string Jwk(RSA key, string kid, string more = "")
    {
        var p = key.ExportParameters(false);
        return $$"""{"kty":"RSA","kid":"{{kid}}","n":"{{B64(p.Modulus!)}}","e":"{{B64(p.Exponent!)}}"{{more}}}""";
    }

    /// <summary>What a token of it says, at the time of <see cref="Telemetry.StoppedClock"/> or another.</summary>
    public static string Claims(string more = ",\"permissions\":[\"monitor\"]", long now = 1740830400) =>
        $$"""{"iss":"{{Name}}","aud":"{{Audience}}","sub":"auth0|7","iat":{{now}},"exp":{{now + 900}}{{more}}}""";

    public string Token(string algorithm = "ES256", string? claims = null, string? kid = null) =>
        Sign(algorithm, Head(algorithm, kid ?? (algorithm == "ES256" ? "ec" : "rsa")), claims ?? Claims());

    public static string Head(string algorithm, string kid, string more = "") => $$"""{"alg":"{{algorithm}}","typ":"JWT","kid":"{{kid}}"{{more}}}""";

    public string Sign(string algorithm, string head, string claims)
    {
        var signed = $"{B64(head)}.{B64(claims)}";
        var bytes = Encoding.ASCII.GetBytes(signed);
        return signed + "." + B64(algorithm switch
        {
            "ES256" => Curve.SignData(bytes, HashAlgorithmName.SHA256),
            "PS256" => Modulus.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pss),
            _ => Modulus.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1),
        });
    }

    public static string B64(string text) => B64(Encoding.UTF8.GetBytes(text));

    public static string B64(byte[] bytes) => Base64Url.EncodeToString(bytes);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        using (var now = new CancellationTokenSource(TimeSpan.FromSeconds(1)))
            await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _end.Dispose();
        Curve.Dispose();
        Modulus.Dispose();
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }
}
