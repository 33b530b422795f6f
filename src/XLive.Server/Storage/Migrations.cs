namespace XLive.Server.Storage;

/// <summary>
/// Brings a database up to date, step by step. A step and the number that says it is done are one transaction, so a server killed
/// anywhere in between starts again, and of several that start at once each step is done by one.
/// </summary>
public static class Migrations
{
    public static void Apply(Database db) => Apply(db, Schema.Steps);

    public static void Apply(Database db, IReadOnlyList<string> steps)
    {
        while (db.SchemaVersion is var done && done != steps.Count)
        {
            if (done > steps.Count)
            {
                throw new DatabaseException(DatabaseFault.Newer,
                    $"the database is of a newer XLive (schema {done}, this one knows {steps.Count}); start that one, or restore a backup");
            }
            db.SchemaTransaction(() =>
            {
                // Asked again under the lock: another process may have been faster.
                if (db.SchemaVersion == done)
                {
                    db.Script(steps[done]);
                    db.SchemaVersion = done + 1;
                }
            });
        }
    }
}
