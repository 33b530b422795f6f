using System.Buffers.Text;
using System.Security.Cryptography;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

public enum RefreshFault { None, Unknown, Expired, Ended, Reused }

/// <summary>A refresh token and what it belongs to.</summary>
public sealed record SignInGrant(string Id, string User, string RefreshToken);

/// <summary>
/// A sign-in is one browser's or program's: a chain of refresh tokens, of which only the newest works. An old one that comes back was
/// copied, by a thief or from the owner, and nobody can tell which; so the whole chain ends.
/// </summary>
public sealed class SignIns(Database db, KnownAccounts known, AuthOptions options, TimeProvider clock)
{
    public Task<SignInGrant> OpenAsync(string user) => db.RunAsync(d => d.Transaction(() =>
    {
        DateTimeOffset now = clock.GetUtcNow();
        // With the tokens that go with them, by the foreign key.
        d.Execute("DELETE FROM sign_ins WHERE expires <= $1", now);
        d.Execute("DELETE FROM refresh_tokens WHERE expires <= $1", now);
        string id = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        d.Execute("INSERT INTO sign_ins (id, user_name, created, expires) VALUES ($1, $2, $3, $4)", id, user, now, now + options.RefreshLifetime);
        return Grant(d, id, user, now);
    }));

    public Task<(SignInGrant? Grant, RefreshFault Fault)> RefreshAsync(string token) => db.RunAsync<(SignInGrant?, RefreshFault)>(d =>
    {
        byte[] hash = OneTimeLinks.Hash(token);
        (SignInGrant? grant, RefreshFault fault) = d.Transaction<(SignInGrant?, RefreshFault)>(() =>
        {
            DateTimeOffset now = clock.GetUtcNow();
            var found = d.First(
                "SELECT s.id, s.user_name, s.ended IS NOT NULL OR u.disabled <> 0, t.used IS NOT NULL, t.expires FROM refresh_tokens t "
                + "JOIN sign_ins s ON s.id = t.sign_in JOIN users u ON u.name = s.user_name WHERE t.hash = $1",
                static row => new { Id = row.Text(0), User = row.Text(1), Ended = row.Boolean(2), Used = row.Boolean(3), Expires = row.Time(4) },
                hash);
            if (found is null)
            {
                return (null, RefreshFault.Unknown);
            }
            if (found.Ended)
            {
                return (null, RefreshFault.Ended);
            }
            if (found.Used)
            {
                End(d, found.Id, now);
                return (null, RefreshFault.Reused);
            }
            if (found.Expires <= now)
            {
                return (null, RefreshFault.Expired);
            }
            d.Execute("UPDATE refresh_tokens SET used = $2 WHERE hash = $1", hash, now);
            d.Execute("UPDATE sign_ins SET expires = $2 WHERE id = $1", found.Id, now + options.RefreshLifetime);
            return (Grant(d, found.Id, found.User, now), RefreshFault.None);
        });
        if (fault == RefreshFault.Reused)
        {
            known.Reload();
        }
        return (grant, fault);
    });

    /// <summary>Ends a sign-in, its access tokens included. False when there is none.</summary>
    public Task<bool> EndAsync(string id) => Ended(d => id);

    /// <summary>The same by any refresh token of it.</summary>
    public Task<bool> EndByTokenAsync(string refreshToken) => Ended(d =>
        d.First("SELECT sign_in FROM refresh_tokens WHERE hash = $1", static row => row.Text(0), OneTimeLinks.Hash(refreshToken)));

    private Task<bool> Ended(Func<Database, string?> which) => db.RunAsync(d =>
    {
        bool ended = d.Transaction(() => which(d) is { } id && End(d, id, clock.GetUtcNow()) > 0);
        known.Reload();
        return ended;
    });

    private static int End(Database d, string id, DateTimeOffset now) =>
        d.Execute("UPDATE sign_ins SET ended = $2 WHERE id = $1 AND ended IS NULL", id, now);

    private SignInGrant Grant(Database d, string id, string user, DateTimeOffset now)
    {
        string token = KeyFiles.RandomText();
        d.Execute("INSERT INTO refresh_tokens (hash, sign_in, expires) VALUES ($1, $2, $3)",
            OneTimeLinks.Hash(token), id, now + options.RefreshLifetime);
        return new SignInGrant(id, user, token);
    }
}
