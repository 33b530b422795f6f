namespace XLive.Server.Traffic;

/// <summary>
/// The tables of traffic/ledger.db. The file is always here, beside the counters, whatever database.url says: a report must not wait for
/// a network. Steps are only ever appended: one that was released is never changed.
/// </summary>
internal static class LedgerSchema
{
    public static readonly IReadOnlyList<string> Steps =
    [
        """
        CREATE TABLE node (
            name TEXT NOT NULL PRIMARY KEY,
            generation BIGINT NOT NULL DEFAULT 0,  -- of the file of counters that belongs to this state
            window_to BIGINT NOT NULL DEFAULT 0,
            counted_bytes BIGINT NOT NULL DEFAULT 0, -- all that was ever taken: of users, the sum of cumulative and waiting_bytes
            recorded_uids BIGINT NOT NULL DEFAULT 0,
            reports_sent BIGINT NOT NULL DEFAULT 0,
            bytes_reported BIGINT NOT NULL DEFAULT 0,
            reports_failed BIGINT NOT NULL DEFAULT 0,
            accumulator_cleanups BIGINT NOT NULL DEFAULT 0
        );
        CREATE TABLE users (
            id INTEGER PRIMARY KEY,
            uid TEXT NOT NULL UNIQUE,
            cumulative BIGINT NOT NULL DEFAULT 0,  -- bytes of all reports
            epoch BIGINT NOT NULL DEFAULT 0,       -- the slot that taken speaks of
            taken BLOB,
            waiting_bytes BIGINT NOT NULL DEFAULT 0, -- below zero: given back after it was reported, and paid by what comes
            waiting BLOB,
            due BIGINT                             -- when what waits is reported, however little it is
        );
        CREATE INDEX users_due ON users (due) WHERE due IS NOT NULL;
        CREATE TABLE outbox (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            report_id TEXT NOT NULL UNIQUE,
            body BLOB NOT NULL,
            bytes BIGINT NOT NULL,
            items BIGINT NOT NULL,
            made BIGINT NOT NULL,
            parked TEXT,                           -- why
            attempts BIGINT NOT NULL DEFAULT 0,
            attempted BIGINT,
            said TEXT NOT NULL DEFAULT ''
        );
        CREATE TABLE history_pending (
            batch INTEGER PRIMARY KEY AUTOINCREMENT,
            hour BIGINT NOT NULL,
            deltas BLOB NOT NULL
        );
        """,
        """
        CREATE TABLE verdicts (
            uid TEXT NOT NULL PRIMARY KEY,
            blocked BIGINT NOT NULL DEFAULT 0,
            quota BIGINT                           -- bytes a period, instead of traffic.quota
        );
        CREATE TABLE quota_periods (
            uid TEXT NOT NULL PRIMARY KEY,
            period BIGINT NOT NULL,                -- since 1970, in periods
            base BIGINT NOT NULL,                  -- all that he had ever taken when it began for him
            exceeded BIGINT NOT NULL DEFAULT 0
        );
        """,
        """
        CREATE TABLE quota_clock ( -- one row
            seconds BIGINT NOT NULL,               -- how long a period is
            period BIGINT NOT NULL,                -- the latest that has begun
            behind_since BIGINT                    -- the wall clock says an earlier one, and said this when it was first seen to
        );
        """,
        """
        CREATE TABLE proxy_logs (
            first_line BLOB NOT NULL PRIMARY KEY,  -- its SHA-256: a file that is renamed or copied has the same
            read BIGINT NOT NULL,                  -- bytes of the file whose lines are in users
            seen BIGINT NOT NULL                   -- when some were, unix seconds
        );
        """,
    ];
}
