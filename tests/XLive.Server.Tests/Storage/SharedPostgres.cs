using XLive.Server.Tests.Storage;

[assembly: AssemblyFixture(typeof(SharedPostgres))]

namespace XLive.Server.Tests.Storage;

/// <summary>
/// Ends the PostgreSQL of all tests behind the last of them: hundreds of databases are some ten thousand files to be deleted. Left to the end of the process, that is
/// for xunit a thread that does not end, which it waits for and then kills the process.
/// </summary>
public sealed class SharedPostgres : IDisposable
{
    public void Dispose() => PostgresServer.EndShared();
}
