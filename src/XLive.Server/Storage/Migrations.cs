using System.Globalization;

namespace XLive.Server.Storage;

/// <summary>
/// Brings a database up to date, step by step. A step and the number that says it is done are one transaction, so a server killed
/// anywhere in between starts again, and of two that start at once each step is done by one.
/// </summary>
public static class Migrations
{
    public static void Apply(Sqlite db) => Apply(db, Schema.Steps);

    public static void Apply(Sqlite db, IReadOnlyList<string> steps)
    {
        while (Version(db) is var done && done != steps.Count)
        {
            if (done > steps.Count)
            {
                throw new InvalidDataException(
                    $"the database is of a newer XLive (schema {done}, this one knows {steps.Count}); start that one, or restore a backup");
            }
            db.Transaction(() =>
            {
                // Asked again under the write lock: another process may have been faster.
                if (Version(db) == done)
                {
                    db.Script(steps[done]);
                    db.Script(string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {done + 1}"));
                }
            });
        }
    }

    public static int Version(Sqlite db) => (int)db.First("PRAGMA user_version", static row => row.Int64(0));
}
