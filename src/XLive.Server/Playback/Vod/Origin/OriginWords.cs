using System.Net.Sockets;
using System.Security.Authentication;

namespace XLive.Server.Playback.Vod.Origin;

/// <summary>What went wrong on the way, in our kinds and in a line for the operator.</summary>
internal static class OriginWords
{
    public static OriginException Told(Exception e, string name)
    {
        if (e is OperationCanceledException)
        {
            return e.InnerException is TimeoutException
                ? new(OriginFault.TimedOut, name + " does not take a connection") { WhileConnecting = true }
                : new(OriginFault.TimedOut, name + " did not answer in time");
        }
        var words = name + ": " + Of(e);
        return e is not HttpRequestException http ? new(OriginFault.BrokenOff, words) : http.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError =>
                new(OriginFault.Refused, words) { WhileConnecting = true },
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded or HttpRequestError.VersionNegotiationError =>
                new(OriginFault.BadAnswer, words),
            _ => new(OriginFault.BrokenOff, words),
        };
    }

    public static string Of(Exception e) => e switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its name is not found",
        HttpRequestException { InnerException: AuthenticationException tls } => "TLS: " + OneLine(tls.InnerException?.Message ?? tls.Message),
        HttpRequestException { InnerException: SocketException socket } => OneLine(socket.Message),
        _ => OneLine(e.Message),
    };

    private static string OneLine(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length > 200 ? line[..200] : line;
    }
}
