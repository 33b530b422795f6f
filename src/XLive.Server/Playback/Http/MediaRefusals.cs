using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Telemetry;

namespace XLive.Server.Playback.Http;

/// <summary>What becomes of a visitor whom the gate did not let in.</summary>
internal sealed class MediaRefusals(AuditLog audit)
{
    public ValueTask WriteAsync(Exchange exchange, in Admission admission)
    {
        Note(exchange, admission);
        return MediaErrors.WriteAsync(exchange, admission.Status, admission.TooMany is { } tooMany ? tooMany.Words : admission.Reason);
    }

    /// <summary>All but the answer's body.</summary>
    public void Note(Exchange exchange, in Admission admission)
    {
        exchange.RefusedFor = admission.Reason;
        if (admission.Status == StatusCodes.Status503ServiceUnavailable)
            exchange.Headers.RetryAfter = "10";
        else if (admission.TooMany is { } tooMany)
            MediaErrors.WriteHeaders(exchange.Headers, tooMany);
        else if (admission.Status != StatusCodes.Status404NotFound)
            audit.Refused(admission.Reason, admission.Kid, exchange.Remote, exchange.Target.Raw);
        if (admission.Status == StatusCodes.Status401Unauthorized)
            exchange.Headers.WWWAuthenticate = "Bearer realm=\"xlive\"";
    }
}
