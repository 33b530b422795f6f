using XLive.Server.Telemetry;

namespace XLive.Server.Accounts;

/// <summary>What the accounts have to do that no request does: the issuer's keys at the start, and when API tokens were used.</summary>
internal sealed class AccountsKeeper(ApiTokens tokens, IssuerKeys issuer, Supervisor supervisor) : IHostedService, IDisposable
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private SupervisedLoop? _looks;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        issuer.Begin();
        _looks = supervisor.Every("api tokens", Every, () => tokens.StoreUses());
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        tokens.StoreUses(atOnce: true);
        return Task.CompletedTask;
    }

    public void Dispose() => _looks?.Dispose();
}
