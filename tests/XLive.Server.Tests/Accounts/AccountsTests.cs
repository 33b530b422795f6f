using Microsoft.AspNetCore.Builder;
using XLive.Server.Accounts;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

/// <summary>Whatever is true of accounts is true over each database: every class of tests here runs over all.</summary>
public abstract class AccountsTests(DatabaseKind kind)
{
    private protected Task<AccountsHost> StartAsync(AuthOptions? options = null, string environment = "Production",
        string? password = AccountsHost.AdminPassword, Action<WebApplication>? map = null) =>
        AccountsHost.StartAsync(options, environment, password, null, map, kind.NewUrl());
}
