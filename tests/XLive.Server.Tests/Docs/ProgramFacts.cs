using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using XLive.Server.Operations.Health;
using XLive.Server.Settings;
using XLive.Server.Tests.Gate;
using XLive.Server.Tests.Redis;
using XLive.Server.Tests.Sessions;

namespace XLive.Server.Tests.Docs;

/// <summary>What the program really has, for the pages to be compared with.</summary>
public sealed class ProgramFacts : IAsyncLifetime
{
    internal SettingKeys Keys { get; } = SettingKeys.Of(SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly));

    /// <summary>As they are mapped, with {names}, and the one that the front door keeps for proxies.</summary>
    public IReadOnlyList<(string Method, string Path)> Routes { get; private set; } = [];

    /// <summary>live.full and the like, of GET /stats.</summary>
    public HashSet<string> Stats { get; } = new(StringComparer.Ordinal);

    public HashSet<string> Metrics { get; } = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Checks { get; private set; } = [];

    /// <summary>A certificate and its key, for settings that name some.</summary>
    public static string SitePem { get; } = MakePem();

    /// <summary>Every text in the code.</summary>
    public IReadOnlyList<string> Texts { get; } = TextsOf(typeof(ServerSettings).Assembly.Location);

    public async ValueTask InitializeAsync()
    {
        using var redis = RedisProcess.Start();
        await using var api = await SessionApi.StartAsync(
            $"server:\n  secret: docs-tests-0123456789\nredis:\n  url: redis://127.0.0.1:{redis.Port}\nbackend:\n  mode: hybrid\n  origins: [http://127.0.0.1:1]\ncache:\n  disk: 64MiB\n");
        Checks = ChecksOfAll();
        Routes =
        [
            .. from endpoint in ((IEndpointRouteBuilder)api.Server.App).DataSources.SelectMany(static s => s.Endpoints).OfType<RouteEndpoint>()
               from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
               select (method, "/" + endpoint.RoutePattern.RawText!.TrimStart('/')),
            ("GET", "/api/v1/check"),
        ];
        Add("", await api.Get("/stats"));
        foreach (var line in (await api.Ask("GET", "/metrics")).Text.Split('\n').Where(static l => l.StartsWith("# TYPE ", StringComparison.Ordinal)))
            Metrics.Add(line.Split(' ')[2]);
    }

    private void Add(string above, JsonElement of)
    {
        if (above.Length > 0)
            Stats.Add(above);
        if (of.ValueKind != JsonValueKind.Object)
            return;
        foreach (var member in of.EnumerateObject())
            Add(above.Length > 0 ? above + "." + member.Name : member.Name, member.Value);
    }

    // What a check looks at is asked for when it looks: to know its name takes no server.
    internal static List<string> ChecksOfAll()
    {
        using var folder = new ProgramFolder();
        folder.Write("site.pem", SitePem);
        var settings = folder.Settings($"--tls.certificate={folder.Path}/site.pem", "--tls.port=1", "--backend.mode=hybrid", "--backend.host=x", "--cache.disk=64MiB",
            "--traffic.proxy_logs=[/var/log/nginx/bytes.log]", "--redis.url=redis://x", "--server.secret=docs-tests-0123456789");
        var services = new ServiceCollection();
        services.AddHealth(settings);
        using var provider = services.BuildServiceProvider();
        return [.. provider.GetServices<HealthCheck>().Select(static c => c.Name)];
    }

    private static string MakePem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var site = new CertificateRequest("CN=docs.example", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        return site.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    private static List<string> TextsOf(string assembly)
    {
        var texts = new List<string>();
        using var file = new PEReader(File.OpenRead(assembly));
        var reader = file.GetMetadataReader();
        // The first is at 1: at 0 is the empty one, which is none.
        for (var handle = MetadataTokens.UserStringHandle(1); !handle.IsNil; handle = reader.GetNextHandle(handle))
            texts.Add(reader.GetUserString(handle));
        return texts;
    }

    public ValueTask DisposeAsync() => default;
}
