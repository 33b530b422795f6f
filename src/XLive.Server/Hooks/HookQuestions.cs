using System.Net;
using XLive.Server.Sessions;
using XLive.Server.Telemetry;

namespace XLive.Server.Hooks;

public enum HookVerdict : byte
{
    Allow,

    /// <summary>The site said no.</summary>
    Deny,

    /// <summary>It said nothing, and hooks.on_silence is deny.</summary>
    Silent,
}

/// <summary>
/// Asks the site who may publish and who may play. An answer is kept for a while, and a site that counts as silent is asked beside those
/// who come, who go on at once.
/// </summary>
public sealed class HookQuestions
{
    // Two generations: 8 MB when full.
    private const int MostKept = 16_384;

    /// <summary>On their way at a time. Who comes beyond that has the answer of silence.</summary>
    public const int MostAsked = 256;

    // What a site that says nothing of it can live with: a user who is shut out stays for a minute, one who has paid is let in within seconds.
    private static readonly TimeSpan KeepYes = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan KeepNo = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LongestKept = TimeSpan.FromHours(1);

    private readonly HookPost _post;
    private readonly HookEndpoint _endpoint;
    private readonly Func<HookOptions> _options;
    private readonly Func<AddressPrivacy> _privacy;
    private readonly TimeProvider _clock;
    private readonly RecentTable<Answer> _kept = new(MostKept);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task<Answer>> _asked = new(StringComparer.Ordinal);
    private readonly long[] _counts = new long[Enum.GetValues<HookOutcome>().Length];

    /// <param name="Verdict">Null: none came.</param>
    private sealed record Answer(HookVerdict? Verdict, long Until);

    internal HookQuestions(HookPost post, HookEndpoint endpoint, Func<HookOptions> options, Func<AddressPrivacy> privacy, TimeProvider clock) =>
        (_post, _endpoint, _options, _privacy, _clock) = (post, endpoint, options, privacy, clock);

    public int Kept => _kept.Count;
    public int KeptMost => _kept.Capacity;

    public int Asked
    {
        get { lock (_gate) return _asked.Count; }
    }

    public long Count(HookOutcome outcome) => Volatile.Read(ref _counts[(int)outcome]);

    public string Text(IPAddress address) => _privacy().Text(address);

    /// <param name="who">Whose answer it is, beside the stream: the publisher, or the viewer as he is known again. No secret, but not posted either.</param>
    public ValueTask<HookVerdict> AskAsync(HookKind kind, string who, in HookFacts facts)
    {
        var options = _options();
        if (!options.Has(kind))
            return new(HookVerdict.Allow);
        var key = $"{kind.Word}\n{who}\n{facts.Stream}";
        if (_kept.Find(key) is { } kept && _clock.GetTimestamp() < kept.Until)
        {
            Interlocked.Increment(ref _counts[(int)HookOutcome.Kept]);
            return new(kept.Verdict ?? Silence(options));
        }
        Task<Answer>? asked;
        lock (_gate)
        {
            // Silent, and asked all the same: by nobody who waits.
            var mayAsk = _asked.Count < MostAsked && (!_endpoint.IsSilent || _endpoint.MayProbe());
            if (!_asked.TryGetValue(key, out asked) && mayAsk)
                _asked[key] = asked = PutAsync(HookEvent.Of(kind, facts, _clock.GetUtcNow(), isQuestion: true), key, options);
        }
        return asked is null || _endpoint.IsSilent ? new(Unheard(options)) : WaitAsync(asked, options);
    }

    private async ValueTask<HookVerdict> WaitAsync(Task<Answer> asked, HookOptions options)
    {
        await Task.WhenAny(asked, _endpoint.Silenced).ConfigureAwait(false);
        // Who waited goes on to the disk: not on the thread that reads the site's answers.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return asked.IsCompletedSuccessfully && (await asked).Verdict is { } verdict ? Heard(verdict) : Unheard(options);
    }

    private async Task<Answer> PutAsync(HookEvent question, string key, HookOptions options)
    {
        // Nor on a viewer's: making a connection is work.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            var reply = await _post.SendAsync(question.Id, question.Kind.Word, question.Body, options, CancellationToken.None).ConfigureAwait(false);
            HookVerdict? verdict = reply.IsYes ? HookVerdict.Allow : reply.IsNo ? HookVerdict.Deny : null;
            var keep = reply.Keep is { } wanted && verdict is not null ? wanted : verdict == HookVerdict.Allow ? KeepYes : KeepNo;
            keep = TimeSpan.FromTicks(Math.Clamp(keep.Ticks, 0, LongestKept.Ticks));
            var answer = new Answer(verdict, _clock.GetTimestamp() + (long)(keep.TotalSeconds * _clock.TimestampFrequency));
            if (keep > TimeSpan.Zero)
                _kept.Put(key, answer);
            return answer;
        }
        finally
        {
            lock (_gate)
                _asked.Remove(key);
        }
    }

    private HookVerdict Heard(HookVerdict verdict)
    {
        Interlocked.Increment(ref _counts[(int)(verdict == HookVerdict.Allow ? HookOutcome.Allow : HookOutcome.Deny)]);
        return verdict;
    }

    private HookVerdict Unheard(HookOptions options)
    {
        Interlocked.Increment(ref _counts[(int)HookOutcome.Silence]);
        return Silence(options);
    }

    private static HookVerdict Silence(HookOptions options) => options.OnSilence == OnSilence.Allow ? HookVerdict.Allow : HookVerdict.Silent;

    /// <summary>The site is another one, or is asked otherwise.</summary>
    internal void Forget()
    {
        _kept.Clear();
        _endpoint.Heard();
    }
}

/// <summary>What became of a question: an answer, none, or one that was there.</summary>
public enum HookOutcome : byte { Allow, Deny, Silence, Kept }
