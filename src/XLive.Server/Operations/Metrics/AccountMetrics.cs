using XLive.Server.Accounts;

namespace XLive.Server.Operations.Metrics;

/// <summary>Who may come in without a password: machines, and whom another issuer vouches for.</summary>
internal static class AccountMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var issuer = services.GetRequiredService<IssuerKeys>();
        metrics.Gauge("xlive_api_tokens", "API tokens, with those that have ended.", services.GetRequiredService<ApiTokens>().Count);
        metrics.Gauge("xlive_api_tokens_limit", "The most of them.", ApiTokens.Most);
        metrics.Gauge("xlive_issuer_keys", "Keys of auth.issuer that can be used; 0 where none is set.", issuer.Count);
        metrics.Gauge("xlive_issuer_keys_limit", "The most that a set of keys may have.", IssuerKeys.Most);
        metrics.Gauge("xlive_issuer_keys_age_seconds", "Since they were fetched.", issuer.Age?.TotalSeconds ?? 0);
        metrics.Gauge("xlive_issuer_away", "1 while they cannot be fetched: those that are known count on.", issuer.Trouble is null ? 0 : 1);
        metrics.Counters("xlive_issuer_fetches_total", "Times that they were fetched, or were to be.", "result", [("done", issuer.Fetched), ("failed", issuer.Failures)]);
    }
}
