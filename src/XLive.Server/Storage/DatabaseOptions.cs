using XLive.Server.Settings;

namespace XLive.Server.Storage;

public sealed class DatabaseOptions : ICheckedOptions
{
    [Setting("database.url", "postgres://user:password@host:port/db?sslmode=... for accounts and history; several servers may share it. Empty: SQLite in data.dir",
        Secret = true, NeedsRestart = true)]
    public string Url { get; set; } = "";

    public void Check(Action<string, string> fault)
    {
        if (Url.Length > 0 && PostgresUrl.Fault(Url) is { } why)
        {
            fault("database.url", why);
        }
    }
}
