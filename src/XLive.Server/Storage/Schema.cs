namespace XLive.Server.Storage;

/// <summary>
/// Every table, in one list, since a database has one version. Steps are only ever appended: one that was released is never changed.
/// In words that PostgreSQL shares: BIGINT for times (unix seconds) and flags, TEXT, BYTEA for bytes (any name is a type to SQLite).
/// </summary>
public static class Schema
{
    public static readonly IReadOnlyList<string> Steps =
    [
        """
        CREATE TABLE users (
            name TEXT NOT NULL PRIMARY KEY,
            permissions BIGINT NOT NULL,
            password TEXT,
            disabled BIGINT NOT NULL DEFAULT 0,
            created BIGINT NOT NULL
        );
        CREATE TABLE sign_in_links (
            hash BYTEA NOT NULL PRIMARY KEY,
            user_name TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
            expires BIGINT NOT NULL
        );
        CREATE TABLE sign_ins (
            id TEXT NOT NULL PRIMARY KEY,
            user_name TEXT NOT NULL, -- no reference: it outlives its user, so that access tokens still out are known to have ended
            created BIGINT NOT NULL,
            expires BIGINT NOT NULL,
            ended BIGINT
        );
        CREATE TABLE refresh_tokens (
            hash BYTEA NOT NULL PRIMARY KEY,
            sign_in TEXT NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
            expires BIGINT NOT NULL,
            used BIGINT
        );
        CREATE INDEX refresh_tokens_by_sign_in ON refresh_tokens (sign_in);
        CREATE INDEX sign_ins_by_user ON sign_ins (user_name);
        """,
    ];
}
