using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Tls;

/// <summary>The files of <see cref="SharedServer"/>, encrypted too.</summary>
public class TlsServer : SharedServer
{
    private readonly string _certificates = Directory.CreateTempSubdirectory("xlive-tls-").FullName;

    protected virtual string[] MoreSettings => [];

    protected override string[] Settings
    {
        get
        {
            Port = FreePort.Next();
            return [.. TestAuthority.SelfSigned().Options(_certificates, Port), .. MoreSettings];
        }
    }

    public int Port { get; private set; }

    public static SslClientAuthenticationOptions Client(SslProtocols protocol = SslProtocols.None, params SslApplicationProtocol[] offers) => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = protocol,
        ApplicationProtocols = offers.Length == 0 ? null : [.. offers],
        RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost",
    };

    public RawClient Connect(SslProtocols protocol = SslProtocols.None, int receiveBuffer = 0) =>
        new(new IPEndPoint(IPAddress.Loopback, Port), receiveBuffer, Client(protocol));

    /// <summary>One connection of HTTP/2 for all that is asked.</summary>
    public HttpClient Http2(SslProtocols protocol = SslProtocols.None, int window = 65535) => new(new SocketsHttpHandler
    {
        SslOptions = Client(protocol),
        UseProxy = false,
        AllowAutoRedirect = false,
        InitialHttp2StreamWindowSize = window,
    })
    {
        BaseAddress = new Uri($"https://localhost:{Port}"),
        DefaultRequestVersion = HttpVersion.Version20,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = Until.Patience,
    };

    public static async Task<Answer> Ask(HttpClient client, string method, string target, params string[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), target);
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        foreach (var header in headers)
            Assert.True(request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]));
        using var response = await client.SendAsync(request);
        using var body = new MemoryStream();
        await response.Content.CopyToAsync(body);
        // Who goes on from here may block on a socket: not on a thread that moves the server's.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return new Answer($"HTTP/{response.Version} {(int)response.StatusCode}",
            [.. response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated).Select(h => KeyValuePair.Create(h.Key, h.Value.ToString()))], body.ToArray());
    }

    public string LineOf(string uid)
    {
        var line = "";
        Until.True(() => (line = Server.Log("access.log").Split('\n').LastOrDefault(l => l.Contains($"uid=\"{uid}\"", StringComparison.Ordinal)) ?? "").Length > 0,
            $"a line of {uid}");
        return line;
    }

    /// <summary>Status and bytes in the log's line.</summary>
    public (int Status, long Bytes) LoggedOf(string uid)
    {
        var line = LineOf(uid);
        var figures = line[(line.IndexOf("\" ", StringComparison.Ordinal) + 2)..].Split(' ');
        return (int.Parse(figures[0], System.Globalization.CultureInfo.InvariantCulture), long.Parse(figures[1], System.Globalization.CultureInfo.InvariantCulture));
    }

    public static string SignedFor(string uid, string target) => target + "?" + TestServer.Grant(uid);
}

public sealed class CopyingTlsServer : TlsServer
{
    protected override string[] MoreSettings => ["--backend.filesystem.sendfile=false"];
}

public sealed class ImpatientTlsServer : TlsServer
{
    protected override string[] MoreSettings => ["--network.send_idle_timeout=1s"];
}

/// <summary>Nobody watches quotas there: what a test says of a user stands.</summary>
public sealed class UnwatchedTlsServer : TlsServer
{
    protected override string[] MoreSettings => ["--traffic.enable=false"];
}
