using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace XLive.Server.Storage.Redis;

/// <summary>Connects and introduces itself; what comes back takes commands.</summary>
internal sealed class RedisDialer(RedisTarget target, TimeProvider clock, RedisStats stats)
{
    public RedisTarget Target => target;
    public TimeProvider Clock => clock;
    public RedisStats Stats => stats;

    /// <exception cref="RedisException">The server turned us away.</exception>
    public Task<RedisConnection> DialAsync(RedisAddress address, Action<RespValue>? message, CancellationToken stop) =>
        DialAsync(address, target.Login, target.Database, target.Form == RedisForm.Sentinel, message, stop);

    public Task<RedisConnection> DialSentinelAsync(RedisAddress address, Action<RespValue>? message, CancellationToken stop) =>
        DialAsync(address, target.SentinelLogin, 0, false, message, stop);

    private async Task<RedisConnection> DialAsync(
        RedisAddress address, RedisLogin login, int database, bool mustBeMaster, Action<RespValue>? message, CancellationToken stop)
    {
        using var patience = new CancellationTokenSource(RedisServer.Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, stop);
        RedisConnection? connection = null;
        try
        {
            connection = await RedisConnection.OpenAsync(address, target.Tls, clock, stats, message, either.Token);
            await IntroduceAsync(connection, address, login, database, mustBeMaster).WaitAsync(either.Token);
            return connection;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            connection?.Dispose();
            throw new RedisException(RedisFault.Silent, $"{address} has not answered for {RedisServer.Patience.TotalSeconds:0} s");
        }
        catch (Exception)
        {
            connection?.Dispose();
            throw;
        }
    }

    private static async Task IntroduceAsync(RedisConnection connection, RedisAddress address, RedisLogin login, int database, bool mustBeMaster)
    {
        if (login.Password.Length > 0)
        {
            MustBeRight(login.User.Length > 0
                ? await connection.SendAsync("AUTH", login.User, login.Password)
                : await connection.SendAsync("AUTH", login.Password), address);
        }
        if (database != 0)
            MustBeRight(await connection.SendAsync("SELECT", database), address);
        MustBeRight(await connection.SendAsync("PING"), address);
        if (!mustBeMaster)
            return;
        // A sentinel may still name one that has just been put down.
        var role = await connection.SendAsync("ROLE");
        MustBeRight(role, address);
        if (role.Items is not [var name, ..] || !name.Is("master"u8))
            throw new RedisException("READONLY", $"{address} is no master");
    }

    private static void MustBeRight(in RespValue answer, RedisAddress address)
    {
        if (answer.IsError)
            throw new RedisException(answer.Code, $"{address}: {answer.Text}");
    }

    /// <summary>What comes of a server or the way to it; all else is a fault of ours.</summary>
    public static bool IsOutage(Exception e) =>
        e is IOException or SocketException or AuthenticationException or CryptographicException or UnauthorizedAccessException or OperationCanceledException;

    public static string Words(Exception e, RedisAddress address) => $"{address}: {e.Message}";
}
