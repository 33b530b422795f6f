using Microsoft.Extensions.DependencyInjection.Extensions;
using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Limits;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Accounts;

public static class AccountsServices
{
    /// <summary>Needs AuthOptions, the storage and the logs. Who knows better where a client is, or what is open, registers that first.</summary>
    public static IServiceCollection AddAccounts(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<AddressOf>(static http => http.Connection.RemoteIpAddress);
        services.TryAddSingleton<OpenTo>(static provider => OpenToNetworks(provider.GetRequiredService<AuthOptions>()));
        services.TryAddSingleton(static provider => new LoginLimits(
            provider.GetRequiredService<TimeProvider>(), () => provider.GetRequiredService<ServerSettings>().Of<LimitOptions>().Logins.FirstOrDefault()));
        services.TryAddSingleton(static _ => new Passwords());
        services.AddSingleton<KnownAccounts>();
        services.AddSingleton<OneTimeLinks>();
        services.AddSingleton<Users>();
        services.AddSingleton<SignIns>();
        services.AddSingleton<StreamKeys>();
        services.AddSingleton<AccessTokens>();
        services.AddSingleton<ApiTokens>();
        services.AddSingleton<IssuerKeys>();
        services.AddSingleton<IssuerTokens>();
        services.AddSingleton<Bearers>();
        services.AddSingleton<CommandGrants>();
        services.AddSingleton<LoginEndpoints>();
        services.AddHostedService<AccountsKeeper>();
        return services;
    }

    /// <summary>Behind UseRouting, before what the endpoints need.</summary>
    public static IApplicationBuilder UsePermissions(this IApplicationBuilder app) => app.UseMiddleware<PermissionGuard>();

    public static void MapAccounts(this IEndpointRouteBuilder routes)
    {
        LoginEndpoints endpoints = routes.ServiceProvider.GetRequiredService<LoginEndpoints>();
        routes.MapPost("/login", (RequestDelegate)endpoints.Login).Public();
        routes.MapPost("/refresh", (RequestDelegate)endpoints.Refresh).Public();
        routes.MapPost("/logout", (RequestDelegate)endpoints.Logout).Public();
        routes.MapGet("/api/v1/me", (RequestDelegate)endpoints.Me).Public();
        routes.MapPut("/api/v1/users/{name}/password", (RequestDelegate)endpoints.SetPassword).Requires(Permission.None);
    }

    /// <summary>
    /// On every start, before the ports listen. True when this is the first: then whoever starts the server shows a link. With the
    /// database away it is done when that is back, and nobody is shown anything: `user link` makes one.
    /// </summary>
    public static bool StartAccounts(this IServiceProvider services)
    {
        Users users = services.GetRequiredService<Users>();
        string password = services.GetRequiredService<AuthOptions>().AdminPassword;
        bool first = false;
        services.GetRequiredService<Database>().WhenJoined(() =>
        {
            first = users.MakeAdmin();
            if (password.Length > 0)
            {
                users.SetAdminPassword(password);
                password = "";
            }
        });
        return first && services.GetRequiredService<AuthOptions>().AdminPassword.Length == 0;
    }

    private static OpenTo OpenToNetworks(AuthOptions options)
    {
        CidrSet networks = CidrSet.Of(options.OpenTo);
        return networks.Contains;
    }
}
