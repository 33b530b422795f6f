using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Door.Tls;
using XLive.Server.Operations.Api;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

/// <summary>The server that runs with these settings on this machine, asked over its own port.</summary>
internal sealed class RunningServer : IDisposable
{
    private readonly HttpClient _http;
    private readonly CommandGrants _grants;
    private readonly Uri _base;
    private readonly string _data;

    private RunningServer(Uri at, byte[]? certificate, CommandGrants grants, string data)
    {
        (_base, _grants, _data) = (at, grants, data);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            // It is for the name that viewers know, so no address fits it; but which one it must be stands in the settings.
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) => certificate is not null && shown is not null && shown.GetRawCertData().AsSpan().SequenceEqual(certificate),
            },
        })
        {
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public static RunningServer Of(ServerSettings settings)
    {
        var data = settings.Of<DataOptions>();
        var grants = CommandGrants.Of(data, NullLogger<KeyFiles>.Instance)
            ?? throw new InvalidOperationException($"no server has run with data.dir {Path.GetFullPath(data.Dir)} yet: give the server's own settings, or start it");
        var (door, tls) = (settings.Of<DoorOptions>(), settings.Of<TlsOptions>());
        return new RunningServer(At(door, tls), tls.Redirect ? Certificate(tls) : null, grants, Path.GetFullPath(data.Dir));
    }

    private static byte[] Certificate(TlsOptions tls)
    {
        using var files = CertificateFiles.Read(tls);
        return files.Certificate.RawData;
    }

    // In clear, but where that is answered with a redirect.
    private static Uri At(DoorOptions door, TlsOptions tls)
    {
        var address = IPAddress.TryParse(door.Host, out var own) ? own : IPAddress.Loopback;
        if (address.Equals(IPAddress.Any))
            address = IPAddress.Loopback;
        else if (address.Equals(IPAddress.IPv6Any))
            address = IPAddress.IPv6Loopback;
        var (scheme, port) = door.AdminPort != 0 ? ("http", door.AdminPort) : tls.Redirect ? ("https", tls.Port) : ("http", door.Port);
        return new Uri(string.Create(CultureInfo.InvariantCulture, $"{scheme}://{new IPEndPoint(address, port)}"));
    }

    /// <returns>The answer's JSON.</returns>
    /// <exception cref="InvalidOperationException">There is no server, or it says no; in words for a person.</exception>
    public async Task<JsonElement> AskAsync(HttpMethod method, string target, IEnumerable<string>? paths = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(_base, target));
        request.Headers.TryAddWithoutValidation("Authorization", _grants.Make(method.Method, target));
        if (paths is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new CachePaths([.. paths]), CacheJson.Default.CachePaths));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        try
        {
            using var answer = await _http.SendAsync(request);
            var text = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode)
                throw new InvalidOperationException(Told(answer.StatusCode, text));
            using var json = JsonDocument.Parse(text);
            return json.RootElement.Clone();
        }
        catch (HttpRequestException e)
        {
            throw new InvalidOperationException($"no server answers at {_base}: {(e.InnerException is SocketException refused ? refused.Message : e.Message)}", e);
        }
        catch (TaskCanceledException e)
        {
            throw new InvalidOperationException($"the server at {_base} did not answer in {_http.Timeout.TotalSeconds:0} s", e);
        }
    }

    private string Told(HttpStatusCode status, string text)
    {
        if (status == HttpStatusCode.Unauthorized)
            return $"the server at {_base} has another data folder than {_data}, or another clock: give its own settings";
        try
        {
            using var problem = JsonDocument.Parse(text);
            // What is hidden behind admin.allow looks like an address that is none.
            if (problem.RootElement.GetProperty("type").GetString() is { } type && !(status == HttpStatusCode.NotFound && type.EndsWith(":not_found", StringComparison.Ordinal)))
                return new StringBuilder(problem.RootElement.GetProperty("detail").GetString()).Replace('\n', ' ').ToString();
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // No XLive, or one that is not this one.
        }
        return $"{_base} answers {(int)status}: it is no XLive of this version, or admin.allow does not have this machine";
    }

    public void Dispose() => _http.Dispose();
}
