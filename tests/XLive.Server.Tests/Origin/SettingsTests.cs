using XLive.Server.Playback.Vod.Folder;
using XLive.Server.Playback.Vod.Origin;
using XLive.Server.Settings;
using XLive.Server.Tests.Settings;

namespace XLive.Server.Tests.Origin;

/// <summary>What may stand in the section backend, and what is said of the rest.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData("backend.host", "--backend.host=a", "--backend.origins=[http://b]")]
    [InlineData("backend.host", "--backend.host=a:80")]
    [InlineData("backend.host", "--backend.host=http://a")]
    [InlineData("backend.host", "--backend.host=a/b")]
    [InlineData("backend.host", "--backend.host=a b")]
    [InlineData("backend.host", "--backend.host=fe80::1%eth0")]
    [InlineData("backend.host", "--backend.host=a@b")]
    [InlineData("backend.port", "--backend.port=80")]
    [InlineData("backend.port", "--backend.host=a", "--backend.port=0")]
    [InlineData("backend.port", "--backend.host=a", "--backend.port=65536")]
    [InlineData("backend.port", "--backend.port=80", "--backend.origins=[http://b]")]
    [InlineData("backend.use_https", "--backend.use_https=true", "--backend.origins=[http://b]")]
    [InlineData("backend.use_https", "--backend.use_https=true")]
    [InlineData("backend.origins", "--backend.origins=[http://a, ftp://b]")]
    [InlineData("backend.origins", "--backend.origins=['http://user:hidden@a']")]
    [InlineData("backend.origins", "--backend.origins=['http://hidden@a']")]
    [InlineData("backend.origins", "--backend.origins=['http://a/?hidden=1']")]
    [InlineData("backend.origins", "--backend.origins=['http://a/#hidden']")]
    [InlineData("backend.origins", "--backend.origins=[a]")]
    [InlineData("backend.origins", "--backend.origins=['http://']")]
    [InlineData("backend.origins", "--backend.origins=['http://a:0']")]
    [InlineData("backend.origins", "--backend.origins=['http://a:99999']")]
    [InlineData("backend.origins", "--backend.origins=[http://a, 'http://A:80/']")]
    [InlineData("backend.host_header", "--backend.host_header=a b")]
    [InlineData("backend.host_header", "--backend.host_header=a:0")]
    [InlineData("backend.host_header", "--backend.host_header=a:80\0")]
    [InlineData("backend.host_header", "--backend.host_header=a\r\nX-Hidden: hidden")]
    [InlineData("backend.host_header", "--backend.host_header=http://a")]
    [InlineData("backend.headers", "--backend.headers={Connection: hidden}")]
    [InlineData("backend.headers", "--backend.headers={transfer-encoding: hidden}")]
    [InlineData("backend.headers", "--backend.headers={Host: hidden}")]
    [InlineData("backend.headers", "--backend.headers={Content-Length: hidden}")]
    [InlineData("backend.headers", "--backend.headers={Range: hidden}")]
    [InlineData("backend.headers", "--backend.headers={Accept-Encoding: hidden}")]
    [InlineData("backend.headers", "--backend.headers={'X Y': hidden}")]
    [InlineData("backend.headers", "--backend.headers={'': hidden}")]
    [InlineData("backend.headers", "--backend.headers={X-Key: \"hidden\\r\\nX-Other: 1\"}")]
    [InlineData("backend.headers", "--backend.headers={X-Key: \"hidden\\0\"}")]
    [InlineData("backend.headers", "--backend.headers={X-Key: hidden, x-key: hidden}")]
    [InlineData("backend.connector_limit", "--backend.connector_limit=0")]
    [InlineData("backend.connect_timeout", "--backend.connect_timeout=0")]
    [InlineData("backend.http2", "--backend.http2=maybe")]
    [InlineData("backend.buffer_size", "--backend.buffer_size=1KiB")]
    public void What_cannot_be_is_named_and_no_secret_with_it(string key, params string[] args)
    {
        using var folder = new SettingsFolder();
        var fault = Assert.Single(Assert.Throws<SettingsException>(() => ServerSettings.Load(folder.Input(args))).Faults).ToString();
        Assert.Contains(key, fault, StringComparison.Ordinal);
        Assert.DoesNotContain("unknown option", fault, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:80", "--backend.host=127.0.0.1")]
    [InlineData("https://origin.example:443", "--backend.host=origin.example", "--backend.use_https=true")]
    [InlineData("http://[2001:db8::1]:8080", "--backend.host=2001:db8::1", "--backend.port=8080")]
    [InlineData("http://[2001:db8::1]:8080", "--backend.host=[2001:db8::1]", "--backend.port=8080")]
    [InlineData("http://a:80 https://b:8443/films", "--backend.origins=[http://a/, 'https://b:8443/films/']")]
    [InlineData("http://[::1]:81", "--backend.origins=['http://[::1]:81']")]
    public void Where_origins_are(string expected, params string[] args)
    {
        using var folder = new SettingsFolder();
        Assert.Equal(expected, string.Join(' ', ServerSettings.Load(folder.Input(args)).Of<OriginOptions>().Addresses.Select(static a => a.Base)));
    }

    [Theory]
    [InlineData(BackendMode.Http, "http")]
    [InlineData(BackendMode.Hybrid, "hybrid")]
    public void A_mode_that_needs_an_origin_says_so(BackendMode mode, string word)
    {
        var faults = new List<string>();
        var others = new Dictionary<Type, object> { [typeof(FolderOptions)] = new FolderOptions { Mode = mode } };
        new OriginOptions().CheckWith(others, (key, why) => faults.Add($"{key}: {why}"));
        Assert.Equal([$"backend.host: backend.mode is {word} and no origin is named, here or in backend.origins"], faults);
        faults.Clear();
        new OriginOptions { Host = "a" }.CheckWith(others, (key, why) => faults.Add(key));
        new OriginOptions { Origins = ["http://a"] }.CheckWith(others, (key, why) => faults.Add(key));
        Assert.Empty(faults);
    }
}
