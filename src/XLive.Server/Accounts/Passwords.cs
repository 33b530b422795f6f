using System.Globalization;
using System.Security.Cryptography;
using XLive.Server.Settings;

namespace XLive.Server.Accounts;

/// <summary>
/// Hashes as "$pbkdf2-sha512$i=210000$salt$hash": the cost stands in the text, so it can grow and old ones are still read.
/// One hash is a tenth of a second of a core, so one runs at a time and a few wait; the rest hears "busy" instead of taking the
/// machine away from the viewers.
/// </summary>
public sealed class Passwords(int iterations = Passwords.Iterations) : IDisposable
{
    public const int Shortest = 10;
    public const int Longest = 1024;

    private const int Iterations = 210_000; // OWASP's figure for PBKDF2-HMAC-SHA512
    private const int MostIterations = 10_000_000;
    private const int MostWaiting = 32;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    private readonly SemaphoreSlim _turn = new(1);
    private readonly string _nobodys = Text(iterations, new byte[SaltBytes], new byte[HashBytes]);
    private int _waiting;

    public Task<string> HashAsync(string password) => InTurn(() =>
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return Text(iterations, salt, Derive(password, salt, iterations));
    });

    /// <summary>Without a hash to compare with, it takes as long and says no: who does not exist cannot be told from who does.</summary>
    public Task<bool> IsRightAsync(string password, string? hash) => InTurn(() =>
    {
        if (!TryRead(hash ?? _nobodys, out int cost, out byte[] salt, out byte[] expected))
        {
            return false;
        }
        bool same = CryptographicOperations.FixedTimeEquals(Derive(password, salt, cost), expected);
        return same && hash is not null;
    });

    /// <summary>Made with less work than is asked for today: worth making anew while the password is at hand.</summary>
    public bool IsWeak(string hash) => !TryRead(hash, out int cost, out _, out _) || cost < iterations;

    public void Dispose() => _turn.Dispose();

    private async Task<T> InTurn<T>(Func<T> work)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new PasswordsBusyException();
        }
        try
        {
            await _turn.WaitAsync();
            try
            {
                return await Task.Run(work);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private static byte[] Derive(string password, byte[] salt, int cost) =>
        Rfc2898DeriveBytes.Pbkdf2(password, salt, cost, HashAlgorithmName.SHA512, HashBytes);

    private static string Text(int cost, byte[] salt, byte[] hash) => string.Create(CultureInfo.InvariantCulture,
        $"$pbkdf2-sha512$i={cost}${Convert.ToBase64String(salt).TrimEnd('=')}${Convert.ToBase64String(hash).TrimEnd('=')}");

    private static bool TryRead(string text, out int cost, out byte[] salt, out byte[] hash)
    {
        cost = 0;
        salt = hash = [];
        string[] parts = text.Split('$');
        if (parts.Length != 5 || parts[0] != "" || parts[1] != "pbkdf2-sha512" || !parts[2].StartsWith("i=", StringComparison.Ordinal)
            || !WholeNumber.TryRead(parts[2].AsSpan(2), MostIterations, out cost) || cost < 1)
        {
            return false;
        }
        try
        {
            salt = Convert.FromBase64String(Padded(parts[3]));
            hash = Convert.FromBase64String(Padded(parts[4]));
            return hash.Length == HashBytes;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static string Padded(string base64) => base64.PadRight((base64.Length + 3) / 4 * 4, '=');
}

/// <summary>Too many passwords wait to be checked.</summary>
public sealed class PasswordsBusyException() : Exception("too many sign-ins at once");
