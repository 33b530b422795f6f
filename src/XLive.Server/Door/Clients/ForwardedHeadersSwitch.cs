namespace XLive.Server.Door.Clients;

/// <summary>
/// ASP.NET Core has a switch in the environment that believes X-Forwarded-For whoever sends it: with it any client chooses the address
/// that rules, limits and logs go by.
/// </summary>
internal static class ForwardedHeadersSwitch
{
    private static readonly string[] Names = ["ASPNETCORE_FORWARDEDHEADERS_ENABLED", "DOTNET_FORWARDEDHEADERS_ENABLED"];

    /// <summary>Why the server does not start under it; null where it is not set, or set to what it is without us.</summary>
    public static string? Fault()
    {
        foreach (var name in Names)
        {
            var value = Environment.GetEnvironmentVariable(name);
            if (!string.IsNullOrEmpty(value) && !value.Equals("false", StringComparison.OrdinalIgnoreCase))
                return $"{name}: would believe X-Forwarded-For from anybody; unset it and name your proxies in access.trusted_proxies";
        }
        return null;
    }
}
