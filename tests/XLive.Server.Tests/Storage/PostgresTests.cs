using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

public sealed class PostgresTests() : DatabaseTests(DatabaseKind.Postgres);
