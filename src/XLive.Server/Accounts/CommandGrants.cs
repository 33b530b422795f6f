using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>
/// How a command beside the server says that it may: by a MAC under a key of data/keys, which is made by whoever may read that folder and by
/// nobody else. It covers one method and one target for half a minute, so what a stranger at the server's port could catch, while the server is
/// away, is good for nothing but the same once more.
/// </summary>
public sealed class CommandGrants
{
    private const string KeyFile = "command";
    private const string Scheme = "XLive-Command ";
    private const int MostDigits = 11; // of a time that DateTimeOffset holds

    private static readonly TimeSpan s_lifetime = TimeSpan.FromSeconds(30);

    private readonly byte[] _key;
    private readonly TimeProvider _clock;

    public CommandGrants(KeyFiles files, TimeProvider clock) => (_key, _clock) = (files.ReadOrCreateBytes(KeyFile), clock);

    /// <summary>For a command, which makes no keys: null where no server has run yet.</summary>
    public static CommandGrants? Of(DataOptions data, ILogger<KeyFiles> log) =>
        File.Exists(Path.Combine(data.Dir, "keys", KeyFile)) ? new CommandGrants(new KeyFiles(data, log), TimeProvider.System) : null;

    /// <summary>The value of Authorization.</summary>
    public string Make(string method, string target)
    {
        string until = (_clock.GetUtcNow() + s_lifetime).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        return $"{Scheme}{until}.{Base64Url.EncodeToString(Mac(method, target, until))}";
    }

    public SignedIn? Read(HttpContext http)
    {
        if (http.Request.Headers.Authorization is not [{ } text] || !text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            return null;
        }
        string[] parts = text[Scheme.Length..].Split('.', 3);
        if (parts is not [{ Length: <= MostDigits } until, { } mac] || !WholeNumber.TryRead(until, out long seconds))
        {
            return null;
        }
        string target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        // As text, so that a MAC has one spelling.
        string expected = Base64Url.EncodeToString(Mac(http.Request.Method, target, until));
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(mac), Encoding.UTF8.GetBytes(expected)))
        {
            return null;
        }
        DateTimeOffset ends = DateTimeOffset.FromUnixTimeSeconds(seconds);
        DateTimeOffset now = _clock.GetUtcNow();
        return ends > now && ends <= now + s_lifetime + TimeSpan.FromSeconds(1) ? new SignedIn("command", Permissions.All, null, ends) { By = Proof.Command } : null;
    }

    private byte[] Mac(string method, string target, string until) =>
        HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes($"command\n{method}\n{target}\n{until}"));
}
