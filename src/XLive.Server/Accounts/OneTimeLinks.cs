using System.Security.Cryptography;
using System.Text;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>
/// A way in without a password: for the first start, and for who forgot theirs. The database has only its hash, so whoever reads a
/// backup cannot sign in with it.
/// </summary>
public sealed class OneTimeLinks(Database db, TimeProvider clock)
{
    public const string Page = "/monitor#once=";
    private static readonly TimeSpan s_lifetime = TimeSpan.FromMinutes(30);

    public string Make(string user)
    {
        string once = KeyFiles.RandomText();
        int made = db.Transaction(() =>
        {
            db.Execute("DELETE FROM sign_in_links WHERE expires <= $1", clock.GetUtcNow());
            return db.Execute("INSERT INTO sign_in_links (hash, user_name, expires) SELECT $1, name, $3 FROM users WHERE name = $2 AND disabled = 0",
                Hash(once), user, clock.GetUtcNow() + s_lifetime);
        });
        return made > 0 ? Page + once : throw new ArgumentException("no such user, or a disabled one", nameof(user));
    }

    /// <summary>Uses it up, and says whose it was.</summary>
    public Task<string?> UseAsync(string once) => db.RunAsync(d => d.First(
        "DELETE FROM sign_in_links WHERE hash = $1 AND expires > $2 RETURNING user_name", static row => row.Text(0),
        Hash(once), clock.GetUtcNow()));

    public void Void(string user) => db.Execute("DELETE FROM sign_in_links WHERE user_name = $1", user);

    // Plain SHA-256 is enough: there is nothing to guess in 32 random bytes.
    internal static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));
}
