using System.Runtime.CompilerServices;

namespace XLive.Server.Tests.Delivery;

internal static class Preparation
{
    // The runtime looks once, at the process's first socket, which may belong to any test.
    [ModuleInitializer]
    internal static void Prepare()
    {
        Program.Prepare();
        SocketsWatch.Begin();
    }
}
