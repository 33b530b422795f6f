using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Commands;

/// <summary>
/// A line in audit.log by a command beside the server. Both write at the end of one file; what another has written there since is seen
/// before each write, and opened anew.
/// </summary>
internal static class CommandAudit
{
    public static void Write(ServerSettings settings, string what)
    {
        using var errors = Console.OpenStandardError();
        using var files = new LogFiles(settings.Of<LogOptions>, TimeProvider.System, errors);
        using var audit = new AuditLog(files);
        audit.Event($"command of {Environment.UserName}", what, null);
    }
}
