using System.Net;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Door.Clients;
using XLive.Server.Settings;
using XLive.Server.Telemetry;

namespace XLive.Server.Door;

/// <summary>
/// Where console and API answer: admin.port, admin.allow. Elsewhere, and to everybody else, they are not there: 404 and not 403, for the
/// contract's 403 is a grant that does not cover this, and here no grant would help; whoever may not come in need not learn that there is
/// a door. The audit log has the address, for the operator who has shut himself out.
/// </summary>
public sealed class Management
{
    private readonly int _port;
    private volatile CidrSet _allow;

    public Management(ServerSettings settings)
    {
        _port = settings.Of<DoorOptions>().AdminPort;
        _allow = CidrSet.Of(settings.Of<DoorOptions>().AdminAllow);
        settings.Changed += changed =>
        {
            if (changed.Contains("admin.allow"))
                _allow = CidrSet.Of(settings.Of<DoorOptions>().AdminAllow);
        };
    }

    /// <summary>A request came in at the port that is for management alone.</summary>
    internal bool IsOwnPort(Exchange exchange) => _port != 0 && exchange.LocalPort == _port;

    internal bool AnswersAt(Exchange exchange) => _port == 0 || exchange.LocalPort == _port;

    internal bool Admits(IPAddress client) => _allow.Admits(client);

    /// <summary>Of the reserved first segments all but these: health is for balancers at any port, the others are no part of management.</summary>
    internal static bool Has(ReadOnlySpan<char> reserved)
    {
        var rest = reserved[1..];
        var slash = rest.IndexOf('/');
        var first = slash < 0 ? rest : rest[..slash];
        return first is not ("health" or ".well-known") && !first.StartsWith('~');
    }
}

public static class ManagementBuilder
{
    /// <summary>Stands before CORS and routing: what is hidden must not show in an Allow or a preflight's answer.</summary>
    public static IApplicationBuilder UseManagement(this IApplicationBuilder app)
    {
        var management = app.ApplicationServices.GetRequiredService<Management>();
        var audit = app.ApplicationServices.GetRequiredService<AuditLog>();
        return app.Use((http, next) =>
        {
            var exchange = http.Features.GetRequiredFeature<Exchange>();
            if (exchange.ReachesManagement || !Management.Has(exchange.Target.Path))
                return next(http);
            if (management.AnswersAt(exchange))
            {
                exchange.RefusedFor = "outside_admin_allow";
                audit.Refused(exchange.RefusedFor, null, exchange.Remote, exchange.Target.Raw);
            }
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        });
    }

    /// <summary>Whether who asks may see more than a bare state.</summary>
    public static bool ReachesManagement(this HttpContext http) => http.Features.GetRequiredFeature<Exchange>().ReachesManagement;
}
