using System.Globalization;
using System.Net;
using XLive.Server.Storage;

namespace XLive.Server.Sessions;

/// <summary>data.dir/sessions.db: a row a session and a row a revocation. Blocking, one thread at a time.</summary>
internal sealed class SessionFile : IDisposable
{
    private static readonly string[] Steps =
    [
        """
        CREATE TABLE sessions (
            sid BYTEA NOT NULL PRIMARY KEY,
            uid TEXT NOT NULL,
            kid TEXT NOT NULL,
            address TEXT NOT NULL,
            client BIGINT NOT NULL,
            user_agent TEXT NOT NULL,
            entry BYTEA NOT NULL,
            opened BIGINT NOT NULL,
            seen BIGINT NOT NULL,
            bytes BIGINT NOT NULL,
            path TEXT NOT NULL,
            place BIGINT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE revocations (
            kind BIGINT NOT NULL,
            name TEXT NOT NULL,
            since BIGINT NOT NULL,
            until BIGINT NOT NULL,
            why TEXT NOT NULL,
            made_by TEXT NOT NULL,
            kick BIGINT NOT NULL,
            entry BYTEA,
            PRIMARY KEY (kind, name)
        ) WITHOUT ROWID;
        """,
    ];

    private readonly Sqlite _db;

    private SessionFile(Sqlite db) => _db = db;

    /// <param name="setAside">Told where a file that cannot be read was put, and why.</param>
    /// <param name="vfs">As <see cref="Sqlite.Open(string, string?)"/> has it; <paramref name="writeAgain"/> as <see cref="SqliteLog.Mend"/>.</param>
    public static SessionFile Open(string path, TimeProvider clock, Action<string, string> setAside, string? vfs = null, Action<string>? writeAgain = null)
    {
        string why;
        IReadOnlyList<Revocation> saved = [];
        try
        {
            var file = new SessionFile(Sqlite.Open(path, vfs));
            try
            {
                why = file.Check();
                if (why == "ok")
                {
                    SqliteLog.Mend(file._db, path, writeAgain);
                    Migrations.Apply(file._db, Steps);
                    return file;
                }
                saved = file.Saved();
            }
            catch
            {
                file.Dispose();
                throw;
            }
            file.Dispose();
        }
        catch (DatabaseException e) when (e.Fault is DatabaseFault.Damaged or DatabaseFault.Newer)
        {
            why = e.Message;
        }
        var aside = path + ".damaged-" + clock.GetUtcNow().ToString("yyyyMMdd'T'HHmmss", CultureInfo.InvariantCulture);
        foreach (var suffix in (string[])["", "-wal", "-shm"])
        {
            if (File.Exists(path + suffix))
                File.Move(path + suffix, aside + suffix, overwrite: true);
        }
        setAside(aside, why);
        var made = new SessionFile(Sqlite.Open(path));
        Migrations.Apply(made._db, Steps);
        made._db.Transaction(() =>
        {
            foreach (var revocation in saved)
                made.Put(revocation);
        });
        return made;
    }

    /// <summary>
    /// "ok", or what is damaged. SQLite says so too of a page that the disk would not give it; where it does at the second try nothing is
    /// wrong with the file, and setting it aside would lose what it holds.
    /// </summary>
    private string Check()
    {
        var said = "";
        for (var tries = 0; tries < 2 && said != "ok"; tries++)
            said = _db.First("PRAGMA quick_check(1)", static row => row.Text(0)) ?? "";
        return said;
    }

    /// <summary>Of a damaged file what can still be read: a lost session opens again, a lost revocation lets somebody in.</summary>
    private IReadOnlyList<Revocation> Saved()
    {
        try
        {
            return Revocations();
        }
        catch (DatabaseException)
        {
            return [];
        }
    }

    public IReadOnlyList<Revocation> Revocations() => _db.Query(
        "SELECT kind, name, since, until, why, made_by, kick, entry FROM revocations",
        static row => new Revocation((RevocationKind)row.Int64(0), row.Text(1), row.Int64(2), row.Int64(3), row.Text(4), row.Text(5), row.Boolean(6),
            row.Bytes(7) is { Length: EntryKey.Size } entry ? EntryKey.Read(entry) : null));

    /// <summary>The one seen last comes first.</summary>
    public IReadOnlyList<SessionRecord> Sessions(int most) => _db.Query(
        "SELECT sid, uid, kid, address, client, user_agent, entry, opened, seen, bytes, path, place FROM sessions ORDER BY seen DESC LIMIT $1",
        static row => new SessionRecord
        {
            Id = row.Bytes(0) is { Length: SessionId.Size } id ? SessionId.Read(id) : default,
            Uid = row.Text(1), Kid = row.Text(2), Address = IPAddress.TryParse(row.Text(3), out var address) ? address : IPAddress.None,
            Client = (ClientKind)row.Int64(4), UserAgent = row.Text(5), Entry = row.Bytes(6) is { Length: EntryKey.Size } entry ? EntryKey.Read(entry) : default,
            OpenedAt = row.Int64(7), SeenAt = row.Int64(8), Bytes = row.Int64(9), Path = row.Text(10), HasPlace = row.Boolean(11),
        }, most);

    public void Save(IReadOnlyList<SessionRecord> changed, IReadOnlyList<SessionId> gone) => _db.Transaction(() =>
    {
        foreach (var s in changed)
        {
            _db.Execute(
                """
                INSERT INTO sessions (sid, uid, kid, address, client, user_agent, entry, opened, seen, bytes, path, place)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                ON CONFLICT (sid) DO UPDATE SET seen = $9, bytes = $10, path = $11, place = $12
                """,
                Bytes(s.Id), s.Uid, s.Kid, s.Address.ToString(), (long)s.Client, s.UserAgent, Bytes(s.Entry), s.OpenedAt, s.SeenAt, s.Bytes, s.Path, s.HasPlace);
        }
        foreach (var id in gone)
            _db.Execute("DELETE FROM sessions WHERE sid = $1", Bytes(id));
    });

    /// <summary>What is revoked, whole.</summary>
    public void Replace(IEnumerable<Revocation> all) => _db.Transaction(() =>
    {
        _db.Execute("DELETE FROM revocations");
        foreach (var revocation in all)
            Put(revocation);
    });

    /// <summary>On disk when it returns.</summary>
    public void Put(Revocation r) => _db.Execute(
        """
        INSERT INTO revocations (kind, name, since, until, why, made_by, kick, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (kind, name) DO UPDATE SET since = $3, until = $4, why = $5, made_by = $6, kick = $7, entry = $8
        """,
        (long)r.Kind, r.Key, r.From, r.Until, r.Why, r.By, r.IsKick, r.Entry is { } entry ? Bytes(entry) : null);

    public void Lift(RevocationKey name) => _db.Execute("DELETE FROM revocations WHERE kind = $1 AND name = $2", (long)name.Kind, name.Key);

    public void LiftUntil(long now) => _db.Execute("DELETE FROM revocations WHERE until <= $1", now);

    private static byte[] Bytes(SessionId id)
    {
        var bytes = new byte[SessionId.Size];
        id.Write(bytes);
        return bytes;
    }

    private static byte[] Bytes(EntryKey entry)
    {
        var bytes = new byte[EntryKey.Size];
        entry.Write(bytes);
        return bytes;
    }

    public void Dispose() => _db.Dispose();
}
