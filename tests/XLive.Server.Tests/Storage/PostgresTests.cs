using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

public sealed class PostgresTests() : DatabaseTests(DatabaseKind.Postgres)
{
    [Fact]
    public void One_that_takes_no_writes_is_away_until_it_does()
    {
        PostgresUrl url = PostgresUrl.Parse(DatabaseKind.Postgres.NewUrl());
        // Its session began before, and may write whatever those after it may.
        using Postgres keeper = new(url);
        // Its schema is in place: no step of it meets the refusal first.
        Assert.True(keeper.TryJoin(), keeper.Away?.Message);
        using Postgres db = new(url);
        TakesNoWrites("on");
        Assert.False(db.TryJoin());
        Assert.Equal(DatabaseFault.ReadOnly, db.Away!.Fault);
        Assert.Equal(DatabaseFault.ReadOnly, Assert.Throws<DatabaseException>(() => db.First("SELECT 1", static row => row.Int64(0))).Fault);
        TakesNoWrites("off");
        Assert.True(db.TryJoin(), db.Away?.Message);

        void TakesNoWrites(string word) => keeper.Script(
            $"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {word}', current_database()); END $$");
    }

    [Fact]
    public void A_server_that_ends_its_sessions_is_away_until_it_is_joined_again()
    {
        using Postgres db = new(PostgresUrl.Parse(DatabaseKind.Postgres.NewUrl()));
        Assert.True(db.TryJoin(), db.Away?.Message);
        List<DatabaseFault?> told = [];
        db.Turned = why => told.Add(why?.Fault);
        Assert.Throws<DatabaseException>(() => db.Execute("SELECT pg_terminate_backend(pg_backend_pid())"));
        // Not asked again by everybody who comes.
        Assert.Equal((DatabaseFault.Away, 1L), (db.Away!.Fault, db.Losses));
        Assert.Equal(DatabaseFault.Away, Assert.Throws<DatabaseException>(() => db.First("SELECT 1", static row => row.Int64(0))).Fault);
        Assert.True(db.TryJoin(), db.Away?.Message);
        Assert.Equal(1, db.First("SELECT 1", static row => row.Int64(0)));
        Assert.Equal([DatabaseFault.Away, null], told);
    }
}
