using Npgsql;
using XLive.Server.Settings;

namespace XLive.Server.Storage;

/// <summary>
/// postgres://user:password@host:port/database?sslmode=..., as libpq writes it (PostgreSQL's manual, 34.1.1.2). Parts are
/// percent-encoded; ?host=/directory names a unix socket. A fault never repeats the text, which holds a password.
/// </summary>
public sealed class PostgresUrl
{
    private static readonly Dictionary<string, SslMode> s_sslModes = new(StringComparer.Ordinal)
    {
        ["disable"] = SslMode.Disable, ["allow"] = SslMode.Allow, ["prefer"] = SslMode.Prefer, ["require"] = SslMode.Require,
        ["verify-ca"] = SslMode.VerifyCA, ["verify-full"] = SslMode.VerifyFull,
    };

    private readonly NpgsqlConnectionStringBuilder _settings;

    private PostgresUrl(NpgsqlConnectionStringBuilder settings) => _settings = settings;

    public string Host => _settings.Host!;

    public string Database => _settings.Database!;

    internal NpgsqlConnectionStringBuilder Settings() => new(_settings.ConnectionString);

    /// <summary>Null when it is right, else what is wrong with it.</summary>
    public static string? Fault(string text) => Read(text, out _);

    public static PostgresUrl Parse(string text) =>
        Read(text, out NpgsqlConnectionStringBuilder settings) is { } fault ? throw new FormatException(fault) : new PostgresUrl(settings);

    private static string? Read(string text, out NpgsqlConnectionStringBuilder settings)
    {
        settings = new NpgsqlConnectionStringBuilder { ApplicationName = "xlive", Port = 5432, Timeout = 3 };
        int start = text.IndexOf("://", StringComparison.Ordinal);
        if (start < 0 || text[..start] is not ("postgres" or "postgresql"))
        {
            return "must begin with postgres:// or postgresql://";
        }
        string rest = text[(start + 3)..];
        if (rest.Any(c => c <= ' ' || c == 0x7f))
        {
            return "has a space or a control character; percent-encode it";
        }
        if (rest.Contains('#', StringComparison.Ordinal))
        {
            return "has a fragment; a # of a password is %23";
        }
        int query = rest.IndexOf('?', StringComparison.Ordinal);
        string options = query < 0 ? "" : rest[(query + 1)..];
        string place = query < 0 ? rest : rest[..query];
        int slash = place.IndexOf('/', StringComparison.Ordinal);
        string authority = slash < 0 ? place : place[..slash];
        settings.Database = slash < 0 ? "" : Decoded(place[(slash + 1)..]);
        int at = authority.LastIndexOf('@');
        string who = at < 0 ? "" : authority[..at];
        int colon = who.IndexOf(':', StringComparison.Ordinal);
        settings.Username = Decoded(colon < 0 ? who : who[..colon]);
        if (colon >= 0)
        {
            settings.Password = Decoded(who[(colon + 1)..]);
        }
        return HostFault(authority[(at + 1)..], settings)
            ?? OptionFault(options, settings)
            ?? (settings.Username.Length == 0 ? "names no user: postgres://user:password@host/database" : null)
            ?? (string.IsNullOrEmpty(settings.Host) ? "names no host" : null)
            ?? (settings.Database.Length == 0 || settings.Database.Contains('/', StringComparison.Ordinal) ? "names no database after the host" : null);
    }

    private static string? HostFault(string host, NpgsqlConnectionStringBuilder settings)
    {
        if (host.Contains(',', StringComparison.Ordinal))
        {
            return "names several hosts; name the address that follows the primary";
        }
        int end = host.StartsWith('[') ? host.IndexOf(']', StringComparison.Ordinal) + 1 : 0;
        int colon = host.IndexOf(':', end);
        if (colon >= 0)
        {
            if (!WholeNumber.TryRead(host.AsSpan(colon + 1), ushort.MaxValue, out int port) || port == 0)
            {
                return "has a port that is none";
            }
            settings.Port = port;
            host = host[..colon];
        }
        if (end > 0)
        {
            host = host[1..^1];
            if (!System.Net.IPAddress.TryParse(host, out _))
            {
                return "has no IPv6 address between [ and ]";
            }
        }
        settings.Host = Decoded(host);
        return null;
    }

    private static string? OptionFault(string options, NpgsqlConnectionStringBuilder settings)
    {
        foreach (string option in options.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = option.IndexOf('=', StringComparison.Ordinal);
            string name = equals < 0 ? option : option[..equals];
            string value = equals < 0 ? "" : Decoded(option[(equals + 1)..]);
            switch (name)
            {
                case "sslmode" when s_sslModes.TryGetValue(value, out SslMode mode):
                    settings.SslMode = mode;
                    break;
                case "sslmode":
                    return $"has an sslmode that is none of {string.Join(", ", s_sslModes.Keys)}";
                case "sslrootcert" when value.Length > 0:
                    settings.RootCertificate = value;
                    break;
                case "host" when value.StartsWith('/'):
                    settings.Host = value;
                    break;
                case "application_name" when value.Length > 0:
                    settings.ApplicationName = value;
                    break;
                case "connect_timeout" when WholeNumber.TryRead(value, 60, out int seconds) && seconds > 0:
                    settings.Timeout = seconds;
                    break;
                default:
                    return "has an option beside sslmode, sslrootcert, host (the directory of a unix socket), application_name and connect_timeout (seconds), "
                        + "or one of them with a wrong value";
            }
        }
        return null;
    }

    private static string Decoded(string text) => Uri.UnescapeDataString(text);
}
