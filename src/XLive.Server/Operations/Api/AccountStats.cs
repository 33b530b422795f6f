using System.Text.Json;
using XLive.Server.Accounts;

namespace XLive.Server.Operations.Api;

internal static class AccountStats
{
    public static void Write(Utf8JsonWriter json, IServiceProvider services)
    {
        var issuer = services.GetRequiredService<IssuerKeys>();
        json.WriteStartObject("accounts");
        json.WriteNumber("api_tokens", services.GetRequiredService<ApiTokens>().Count);
        json.WriteNumber("api_tokens_limit", ApiTokens.Most);
        json.WriteStartObject("issuer");
        json.WriteNumber("keys", issuer.Count);
        json.WriteNumber("keys_limit", IssuerKeys.Most);
        json.WriteNumber("age_seconds", Math.Round(issuer.Age?.TotalSeconds ?? 0, 1));
        json.WriteNumber("fetched", issuer.Fetched);
        json.WriteNumber("fetches_failed", issuer.Failures);
        json.WriteString("trouble", issuer.Trouble ?? "");
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
