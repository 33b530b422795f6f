using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>What a rule of the site's says of a path, above what the origin says.</summary>
/// <param name="Unsaid">How long, where the origin is silent.</param>
/// <param name="StaleUnsaid">How long beyond that when the origin fails.</param>
/// <param name="MayGuess">Something old will hardly change soon.</param>
internal readonly record struct CachePolicy(TimeSpan? Ttl, TimeSpan? Stale, StoreIn? Store, TimeSpan Unsaid, TimeSpan StaleUnsaid, bool MayGuess)
{
    /// <summary>Fresh for no longer, whoever says so.</summary>
    public TimeSpan? Longest { get; init; }
}

/// <summary>
/// A response's status and header fields as they are kept, with all that decides how long (RFC 9111 sections 3 and 4). Never changed:
/// a 304 makes a new one (<see cref="Updated"/>).
/// </summary>
internal sealed class StoredHead
{
    // RFC 9111 section 4.2.2 and RFC 9110 section 15.1: without a word from the origin these may be reused by guess, and no others.
    private static bool IsGuessable(int status) => status is 200 or 203 or 204 or 300 or 301 or 308 or 404 or 405 or 410 or 414 or 501;

    // Those that this cache understands (section 3): their meaning for storing is known.
    private static bool IsUnderstood(int status) => status is 200 or 203 or 204 or 300 or 301 or 302 or 303 or 307 or 308
        or 400 or 403 or 404 or 405 or 410 or 414 or 500 or 501 or 502 or 503 or 504;

    private const long LongestGuess = 86_400;

    private readonly long _lifetime;
    private readonly long _initialAge;
    private readonly long _staleWhile;
    private readonly long _staleIfError;
    private readonly bool _neverStale;

    public StoredHead(int status, IReadOnlyList<KeyValuePair<string, string>> headers, in CachePolicy policy, long asked, long received, bool authorized)
    {
        Status = status;
        Headers = headers;
        (AskedAt, Received, IsAuthorized, Store) = (asked, received, authorized, policy.Store);
        var control = ControlOf(headers);
        HasControl = control.IsPresent || Find("Expires") is not null;
        ETag = Find("ETag") ?? "";
        LastModified = Find("Last-Modified") ?? "";
        ModifiedSeconds = Preconditions.TryDate(LastModified, out var modified) ? modified : Preconditions.NoDate;
        VaryNames = NamesOf(headers, "Vary");
        var date = Find("Date") is { } said && Preconditions.TryDate(said, out var seconds) ? seconds : received;
        // Section 4.2.3.
        _initialAge = Math.Max(Math.Max(0, received - date), AgeSaid() + Math.Max(0, received - asked));
        AnswersForAll = !control.IsPrivate && !VaryNames.Contains("*");
        var isExplicit = control.SharedMaxAge >= 0 || control.MaxAge >= 0 || Find("Expires") is not null;
        _lifetime = Lifetime(control, policy, date, status);
        // A rule's time begins with the answer; the origin's with the playlist.
        if (policy.Longest is { } longest)
            _lifetime = Math.Min(_lifetime, (long)longest.TotalSeconds + (isExplicit && policy.Ttl is null ? 0 : _initialAge));
        _neverStale = control.NoCache || (policy.Stale is null && (control.MustRevalidate || control.SharedMaxAge >= 0));
        MustRevalidate = control.NoCache && policy.Ttl is null;
        _staleWhile = Seconds(policy.Stale, control.StaleWhileRevalidate, TimeSpan.Zero);
        _staleIfError = Seconds(policy.Stale, control.StaleIfError, policy.StaleUnsaid);
        var forbidden = control.NoStore && !(control.MustUnderstand && IsUnderstood(status));
        var understood = !control.MustUnderstand || IsUnderstood(status);
        IsStorable = policy.Store != StoreIn.None && AnswersForAll && (policy.Ttl is not null || !forbidden) && understood && status is >= 200 and not (206 or 304)
            && (isExplicit || control.IsPublic || control.NoCache || policy.Ttl is not null || IsGuessable(status))
            && (!authorized || control.IsPublic || control.MustRevalidate || control.SharedMaxAge >= 0);
    }

    public int Status { get; }
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>Unix seconds.</summary>
    public long AskedAt { get; }
    public long Received { get; }

    /// <summary>The request had an Authorization of the origin's.</summary>
    public bool IsAuthorized { get; }

    /// <summary>Where a rule of the site's wants it kept.</summary>
    public StoreIn? Store { get; }
    public string ETag { get; }
    public string LastModified { get; }
    public long ModifiedSeconds { get; }
    public bool HasValidator => ETag.Length > 0 || LastModified.Length > 0;
    public string? StrongTag => ETag.Length >= 2 && ETag[0] == '"' && ETag[^1] == '"' ? ETag : null;

    /// <summary>The origin said how long it holds.</summary>
    public bool HasControl { get; }

    /// <summary>May be kept for later requests.</summary>
    public bool IsStorable { get; }

    /// <summary>Those who wait for the same may have it, kept or not.</summary>
    public bool AnswersForAll { get; }
    public bool MustRevalidate { get; }
    public string[] VaryNames { get; }

    public long Age(long now) => _initialAge + Math.Max(0, now - Received);
    public long Left(long now) => _lifetime - Age(now);
    public bool IsFresh(long now) => !MustRevalidate && Left(now) > 0;

    /// <summary>Stale, and may be answered with while it is asked for again (RFC 5861 section 3).</summary>
    public bool MayServeWhileRevalidating(long now) => !_neverStale && Left(now) > -_staleWhile;

    /// <summary>Stale, and may be answered with when the origin cannot be asked (RFC 5861 section 4, RFC 9111 section 4.2.4).</summary>
    public bool MayServeIfError(long now) => !_neverStale && Left(now) > -_staleIfError;

    public string? Find(string name)
    {
        for (var i = 0; i < Headers.Count; i++)
        {
            if (string.Equals(Headers[i].Key, name, StringComparison.OrdinalIgnoreCase))
                return Headers[i].Value;
        }
        return null;
    }

    /// <summary>Freshened by a 304: each field that it brings takes the place of those that were kept, but for what describes the body (RFC 9111 section 3.2).</summary>
    public StoredHead Updated(IReadOnlyList<KeyValuePair<string, string>> newer, in CachePolicy policy, long asked, long received, bool authorized)
    {
        var merged = new List<KeyValuePair<string, string>>(Headers.Count + newer.Count);
        foreach (var header in Headers)
        {
            if (header.Key.Equals("Age", StringComparison.OrdinalIgnoreCase) || (!IsOfBody(header.Key) && Has(newer, header.Key)))
                continue;
            merged.Add(header);
        }
        foreach (var header in newer)
        {
            if (!IsOfBody(header.Key))
                merged.Add(header);
        }
        return new StoredHead(Status, merged, policy, asked, received, authorized);
    }

    private static bool Has(IReadOnlyList<KeyValuePair<string, string>> headers, string name)
    {
        for (var i = 0; i < headers.Count; i++)
        {
            if (headers[i].Key.Equals(name, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static bool IsOfBody(string name) => name.ToLowerInvariant() is "content-length" or "content-encoding" or "content-type" or "content-range" or "etag";

    /// <summary>The request's own values of the fields that the response varies by (section 4.1).</summary>
    public bool Matches(IHeaderDictionary request, StringValues[] asked)
    {
        for (var i = 0; i < VaryNames.Length; i++)
        {
            if (!Same(Selecting(request, VaryNames[i]), asked[i]))
                return false;
        }
        return true;
    }

    public StringValues[] Asked(IHeaderDictionary request)
    {
        if (VaryNames.Length == 0)
            return [];
        var asked = new StringValues[VaryNames.Length];
        for (var i = 0; i < asked.Length; i++)
            asked[i] = Selecting(request, VaryNames[i]);
        return asked;
    }

    // What is never sent on selects nothing: the origin saw every request without it.
    private static StringValues Selecting(IHeaderDictionary request, string name) => RequestHeaders.IsSentOn(name) ? request[name] : default;

    // Lines joined are the same field, and so is one with other spaces around its commas.
    private static bool Same(StringValues one, StringValues other)
    {
        if (StringValues.Equals(one, other))
            return true;
        if (one.Count == 0 || other.Count == 0)
            return false;
        return string.Equals(Plain(one), Plain(other), StringComparison.Ordinal);
    }

    private static string Plain(StringValues values) =>
        string.Join(',', values.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static CacheControl ControlOf(IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        var lines = new List<string>();
        foreach (var header in headers)
        {
            if (header.Key.Equals("CDN-Cache-Control", StringComparison.OrdinalIgnoreCase))
                lines.Add(header.Value);
        }
        return lines.Count > 0 && TargetedControl.IsDictionary(string.Join(',', lines))
            ? CacheControl.Parse(headers, "CDN-Cache-Control")
            : CacheControl.Parse(headers, "Cache-Control");
    }

    private long Lifetime(in CacheControl control, in CachePolicy policy, long date, int status)
    {
        // The site's own word counts from the moment of the answer, whatever age the origin gave it.
        if (policy.Ttl is { } ttl)
            return (long)ttl.TotalSeconds + _initialAge;
        if (control.SharedMaxAge >= 0)
            return control.SharedMaxAge;
        if (control.MaxAge >= 0)
            return control.MaxAge;
        if (Find("Expires") is { } expires)
            return Preconditions.TryDate(expires, out var until) ? Math.Max(0, until - date) : 0;
        if (!IsGuessable(status) && !control.IsPublic)
            return 0;
        var unsaid = (long)policy.Unsaid.TotalSeconds + _initialAge;
        // A tenth of its age when it was sent (section 4.2.2); of a file that was just made that would be nothing.
        if (policy.MayGuess && ModifiedSeconds != Preconditions.NoDate && status < 300)
            return Math.Clamp((date - ModifiedSeconds) / 10, unsaid, Math.Max(unsaid, LongestGuess));
        return unsaid;
    }

    private static long Seconds(TimeSpan? ruled, long said, TimeSpan otherwise) =>
        ruled is { } rule ? (long)rule.TotalSeconds : said >= 0 ? said : (long)otherwise.TotalSeconds;

    // Of a list the first counts; what is no number is as if it were not there (RFC 9111 section 5.1).
    private long AgeSaid()
    {
        if (Find("Age") is not { } text)
            return 0;
        var comma = text.IndexOf(',', StringComparison.Ordinal);
        return CacheControl.DeltaSeconds((comma < 0 ? text.AsSpan() : text.AsSpan(0, comma)).Trim(" \t"), 0);
    }

    private static string[] NamesOf(IReadOnlyList<KeyValuePair<string, string>> headers, string field)
    {
        List<string>? names = null;
        foreach (var header in headers)
        {
            if (!header.Key.Equals(field, StringComparison.OrdinalIgnoreCase))
                continue;
            foreach (var name in header.Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                names ??= [];
                if (!names.Contains(name, StringComparer.OrdinalIgnoreCase))
                    names.Add(name);
            }
        }
        return names?.ToArray() ?? [];
    }
}
