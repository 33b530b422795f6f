using XLive.Server.Tests.Storage;

[assembly: AssemblyFixture(typeof(SharedPostgres))]

namespace XLive.Server.Tests.Storage;

/// <summary>
/// Ends the PostgreSQL of all tests behind the last of them: its databases are ten thousand files to be deleted. A process that takes more than a second to end has a
/// foreground thread, thinks xunit: it waits for ten more, ends it with 1, and the run has failed.
/// </summary>
public sealed class SharedPostgres : IDisposable
{
    public void Dispose() => PostgresServer.EndShared();
}
