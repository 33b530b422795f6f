using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>What a machine comes in by. The token itself is shown once and kept nowhere.</summary>
/// <param name="Id">To name it by where names may have changed hands: in the hub and in URLs.</param>
/// <param name="Name">What it is for, in the operator's words; no two have the same.</param>
/// <param name="MadeBy">Who made it.</param>
/// <param name="Expires">Null: never.</param>
/// <param name="Used">Null: not yet.</param>
public sealed record ApiToken(
    string Id, string Name, Permission Permissions, StreamPatterns Streams, string MadeBy, DateTimeOffset Created, DateTimeOffset? Expires, DateTimeOffset? Used)
{
    internal const string Columns = "id, name, permissions, streams, made_by, created, expires, used";

    internal static (string Hash, ApiToken Token) ReadWithHash(SqlRow row) => (Convert.ToHexString(row.Bytes(8)), Read(row));

    private static ApiToken Read(SqlRow row) => new(row.Text(0), row.Text(1), (Permission)row.Int64(2), StreamPatterns.Parse(row.Text(3)), row.Text(4), row.Time(5),
        row.IsNull(6) ? null : row.Time(6), row.IsNull(7) ? null : row.Time(7));
}
