using System.Globalization;
using System.Net;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Accounts;

/// <summary>
/// The public keys of auth.issuer, from auth.jwks_url. They are kept while it is away. Nobody's token makes us ask more than once in
/// ten seconds, whatever key it names, and who asks at the same time waits for the same answer, without a thread.
/// </summary>
public sealed partial class IssuerKeys(AuthOptions options, TimeProvider clock, ILogger<IssuerKeys> log) : IDisposable
{
    public const int Most = IssuerKeySet.MostKeys;

    private const int LongestSet = 256 << 10; // the longest of the large issuers has 20 KiB, with certificates

    /// <summary>A key that the issuer has taken back counts no longer than this.</summary>
    private static readonly TimeSpan s_freshFor = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan s_apart = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly SiteClient _client = new(mostConnections: 1, mostDrained: 0);
    private readonly CancellationTokenSource _end = new();
    private Task _fetch = Task.CompletedTask;
    private long _asked;
    private bool _hasAsked;
    private volatile Known _known = new(IssuerKeySet.Empty, null);
    private volatile string? _trouble;
    private long _fetched;
    private long _failures;

    private sealed record Known(IssuerKeySet Keys, long? Since);

    public int Count => _known.Keys.Count;

    internal TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>What the last fetch came to, when it failed.</summary>
    public string? Trouble => _trouble;

    public long Fetched => Interlocked.Read(ref _fetched);

    public long Failures => Interlocked.Read(ref _failures);

    /// <summary>How old what is known is; null when nothing is.</summary>
    public TimeSpan? Age => _known.Since is { } since ? clock.GetElapsedTime(since) : null;

    /// <summary>Before the first token comes, so that it finds the keys, and a wrong URL shows at the start.</summary>
    public void Begin()
    {
        if (options.JwksUrl.Length > 0)
        {
            _ = Fetch();
        }
    }

    internal async ValueTask<IssuerKey?> FindAsync(string kid)
    {
        Known known = _known;
        IssuerKey? key = known.Keys.Find(kid);
        if (key is not null && Age is { } age && age < s_freshFor)
        {
            return key;
        }
        // Away, it holds nobody up who has a key that was right.
        bool waits = key is null || _trouble is null;
        if (Fetch() is { } fetch && waits)
        {
            await fetch;
        }
        return _known.Keys.Find(kid);
    }

    /// <summary>The fetch that runs, or a new one; null: it is too soon for one.</summary>
    private Task? Fetch()
    {
        lock (_gate)
        {
            if (!_fetch.IsCompleted)
            {
                return _fetch;
            }
            if (_hasAsked && clock.GetElapsedTime(_asked) < s_apart)
            {
                return null;
            }
            (_asked, _hasAsked) = (clock.GetTimestamp(), true);
            return _fetch = FetchAsync();
        }
    }

    private async Task FetchAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // out of the lock
        using CancellationTokenSource late = new(Patience, clock);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(_end.Token, late.Token);
        string why;
        try
        {
            byte[] set = await ReadAsync(patience.Token).ConfigureAwait(false);
            // A set may take milliseconds, which are not those of the thread that reads sockets.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            _known = new Known(IssuerKeySet.Parse(set), clock.GetTimestamp());
            Interlocked.Increment(ref _fetched);
            if (_trouble is not null)
            {
                _trouble = null;
                LogBack(Count);
            }
            return;
        }
        catch (OperationCanceledException)
        {
            why = string.Create(CultureInfo.InvariantCulture, $"no answer within {Patience.TotalSeconds:0.###} s");
        }
        catch (FormatException fault)
        {
            why = fault.Message;
        }
        catch (Exception fault) when (SiteClient.IsFault(fault))
        {
            why = SiteClient.Reason(fault);
        }
        Interlocked.Increment(ref _failures);
        bool told = _trouble is not null;
        _trouble = why;
        if (!told && !_end.IsCancellationRequested)
        {
            LogTrouble(why, Count);
        }
    }

    private async Task<byte[]> ReadAsync(CancellationToken patience)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, options.JwksUrl);
        request.Headers.TryAddWithoutValidation("Accept", "application/jwk-set+json, application/json");
        using HttpResponseMessage response = await _client.SendAsync(request, patience).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"it answers {(int)response.StatusCode}"));
        }
        using Stream body = await response.Content.ReadAsStreamAsync(patience).ConfigureAwait(false);
        byte[] set = new byte[16 << 10];
        int length = 0;
        while (await body.ReadAsync(set.AsMemory(length), patience).ConfigureAwait(false) is > 0 and var read)
        {
            length += read;
            if (length > LongestSet)
            {
                throw new FormatException($"it is longer than {LongestSet >> 10} KiB");
            }
            if (length == set.Length)
            {
                Array.Resize(ref set, Math.Min(2 * length, LongestSet + 1));
            }
        }
        return set[..length];
    }

    public void Dispose()
    {
        _end.Cancel();
        _client.Dispose();
        _end.Dispose();
    }

    [LoggerMessage(LogLevel.Warning, "auth.jwks_url: {Why}; {Count} keys of before count on")]
    private partial void LogTrouble(string why, int count);

    [LoggerMessage(LogLevel.Information, "auth.jwks_url answers again, with {Count} keys that can be used")]
    private partial void LogBack(int count);
}
