namespace XLive.Server.Telemetry;

public static class LogServices
{
    /// <summary>The files are made before the host and disposed after it, so that the first words and the last are written.</summary>
    public static void AddLogs(this IHostApplicationBuilder builder, LogFiles files)
    {
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(LogLevel.Trace); // log.level decides, and may change while running
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        // A line for each connection above server.max_connections: health and /stats tell of a flood without being one.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Connections", LogLevel.Error);
        // A hundred lines, at the highest level, for each connection of somebody who resets streams as fast as they come.
        builder.Logging.AddFilter("Microsoft.AspNetCore.Server.Kestrel.Http2", LogLevel.None);
        builder.Logging.AddFilter("System", LogLevel.Warning);
        builder.Logging.AddProvider(new FileLoggerProvider(files));
        builder.Services.AddSingleton(files);
        builder.Services.AddSingleton(files.Supervisor);
        builder.Services.AddSingleton<AccessLog>();
        builder.Services.AddSingleton<AuditLog>();
    }
}
