using System.Security.Cryptography;
using XLive.EndToEnd.Harness;
using XLive.Server.Tests.Tls;

namespace XLive.EndToEnd.Http2;

/// <summary>The built server with a certificate of its own and a few films, for tests that spoil connections and not films.</summary>
public sealed class H2Server : IAsyncLifetime
{
    readonly TempFolder _folder = new();

    public string[] Options { get; init; } = [];
    public ServerProcess Server { get; private set; } = null!;
    public int Port { get; private set; }

    public async ValueTask InitializeAsync()
    {
        var media = Directory.CreateDirectory(_folder["media"]).FullName;
        File.WriteAllText(Path.Combine(media, "a.ts"), "FILM");
        File.WriteAllBytes(Path.Combine(media, "large.ts"), RandomNumberGenerator.GetBytes(1 << 20));
        Port = FreePort.Next();
        Server = await ServerProcess.Start(media, [
            "--access.enable=false", .. TestAuthority.SelfSigned().Options(_folder.Path, Port), .. Options]);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _folder.Dispose();
    }
}
