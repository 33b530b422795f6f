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
        """
        CREATE TABLE traffic_nodes (
            id BIGINT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            batch BIGINT NOT NULL -- the last of its ledger's that is in traffic_hours
        );
        CREATE TABLE traffic_hours (
            uid TEXT NOT NULL,
            hour BIGINT NOT NULL, -- its start, UTC
            node BIGINT NOT NULL,
            bytes BIGINT NOT NULL,
            requests BIGINT NOT NULL,
            bytes_other BIGINT,
            bytes_m3u8 BIGINT,
            bytes_ts BIGINT,
            bytes_m4s BIGINT,
            bytes_mp4 BIGINT,
            bytes_key BIGINT,
            bytes_vtt BIGINT,
            bytes_jpg BIGINT,
            bytes_flv BIGINT,
            bytes_audio BIGINT,
            bytes_webm BIGINT,
            bytes_mkv BIGINT,
            bytes_mpd BIGINT,
            PRIMARY KEY (uid, hour, node)
        );
        CREATE INDEX traffic_hours_by_hour ON traffic_hours (hour);
        """,
        """
        CREATE TABLE stream_keys (
            id TEXT NOT NULL PRIMARY KEY,
            hash BYTEA NOT NULL UNIQUE,
            stream TEXT NOT NULL, -- app/stream
            created BIGINT NOT NULL
        );
        """,
        """
        ALTER TABLE users ADD COLUMN streams TEXT NOT NULL DEFAULT '**';
        ALTER TABLE stream_keys ADD COLUMN name TEXT NOT NULL DEFAULT '';
        ALTER TABLE stream_keys ADD COLUMN expires BIGINT;
        CREATE TABLE api_tokens (
            id TEXT NOT NULL PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            hash BYTEA NOT NULL UNIQUE,
            permissions BIGINT NOT NULL,
            streams TEXT NOT NULL, -- patterns with a space between
            made_by TEXT NOT NULL,
            created BIGINT NOT NULL,
            expires BIGINT,
            used BIGINT -- behind by a minute or two
        );
        """,
    ];
}
