namespace XLive.Server.Hooks;

// What the sender tells the operator.
public sealed partial class HookSender
{
    [LoggerMessage(LogLevel.Warning, "hooks: {Receiver} does not answer ({Said}); events wait in the spool, and questions have the answer of hooks.on_silence")]
    private partial void LogSilent(string receiver, string said);

    [LoggerMessage(LogLevel.Information, "hooks: {Receiver} answers again")]
    private partial void LogHeard(string receiver);

    [LoggerMessage(LogLevel.Error, "hooks: {What} {Id} was refused ({Said}) and is given up: `hooks list` has it, `hooks replay {Id}` posts it again")]
    private partial void LogRefused(string what, string id, string said);

    [LoggerMessage(LogLevel.Error, "hooks: the spool cannot be used ({Why}): events wait in memory")]
    private partial void LogFault(string why);

    [LoggerMessage(LogLevel.Error, "hooks: {File} is damaged ({Why}) and was set aside as .damaged; what was in it and not taken is not posted")]
    private partial void LogAside(string file, string why);

    [LoggerMessage(LogLevel.Error, "hooks: the spool is full, {Events} events or {MiB} MiB: further ones are dropped and counted until the site takes some")]
    private partial void LogFull(int events, long miB);
}
