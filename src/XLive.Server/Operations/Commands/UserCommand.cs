using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using XLive.Server.Accounts;
using XLive.Server.Settings;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Commands;

internal static class UserCommand
{
    public const string Help = """
        user list
        user link [NAME]
        user password [NAME]

        Accounts of this server; NAME is admin when left out.

          list        names, permissions, whether a password is set
          link        prints a one-time sign-in link: used once, within 30 minutes
          password    sets a password, read from standard input (one line)
        """;

    public static async Task<int> RunAsync(CommandLineWords words)
    {
        words.NothingElse();
        var settings = ServerSettings.Load(SettingsInput.OfProcess(words.Settings));
        await using var services = Services(settings);
        var users = services.GetRequiredService<Users>();
        users.MakeAdmin();
        switch (words.Plain)
        {
            case ["list"]:
                foreach (var user in users.All)
                    Console.WriteLine($"{user.Name}\t{string.Join(",", user.Permissions.Names())}\t{(user.HasPassword ? "password" : "no password")}");
                return 0;
            case ["link"] or ["link", _]:
                var whose = words.Plain.Count > 1 ? words.Plain[1] : Users.Admin;
                var link = users.MakeLink(whose);
                CommandAudit.Write(settings, $"made a sign-in link for {whose}");
                Console.WriteLine(OwnUrls.Management(settings) + link);
                return 0;
            case ["password"] or ["password", _]:
                var name = words.Plain.Count > 1 ? words.Plain[1] : Users.Admin;
                if (!Console.IsInputRedirected)
                    Console.Error.Write($"New password of {name}: ");
                var password = Console.ReadLine() ?? "";
                if (password.Length is < Passwords.Shortest or > Passwords.Longest)
                    throw new UsageException($"a password has {Passwords.Shortest} to {Passwords.Longest} characters");
                if (!await users.SetPasswordAsync(name, password))
                    throw new InvalidOperationException($"there is no user '{name}'");
                CommandAudit.Write(settings, $"set the password of {name}");
                return 0;
            default:
                throw new UsageException("say list, link or password");
        }
    }

    /// <summary>The accounts beside a running server.</summary>
    internal static ServiceProvider Services(ServerSettings settings)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(settings.Of<DataOptions>());
        services.AddSingleton(settings.Of<DatabaseOptions>());
        services.AddStorage();
        services.AddSingleton(settings.Of<AuthOptions>());
        services.AddAccounts();
        return services.BuildServiceProvider();
    }
}
