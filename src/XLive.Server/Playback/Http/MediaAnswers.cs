using System.Globalization;
using Microsoft.AspNetCore.Http;
using XLive.Server.Access;
using XLive.Server.Door;
using XLive.Server.Live;

namespace XLive.Server.Playback.Http;

/// <summary>Something that can be played: a live stream in one of its forms, a film.</summary>
internal interface IMediaSource
{
    /// <summary>False: the path names nothing of its own.</summary>
    bool TryAnswer(Exchange exchange, in Admission admission, out ValueTask answer);

    /// <summary>It answers what is asked for as a WebSocket.</summary>
    bool OpensWebSockets => false;
}

/// <summary>
/// What a browser opens, and not a player. It is asked before the gate: its scripts are everybody's, and whether a page may be seen it asks the gate itself.
/// </summary>
internal interface IPageSource
{
    /// <summary>False: the path is no page's.</summary>
    bool TryAnswer(Exchange exchange, out ValueTask answer);
}

/// <summary>A request for media: the gate, then the first that has what is asked for. Live streams come before films (contract: the order of meaning).</summary>
internal sealed class MediaAnswers(PlaybackGate gate, IEnumerable<IMediaSource> sources, IPageSource pages, LiveStreams live, MediaRefusals refusals)
{
    private readonly IMediaSource[] _sources = [.. sources];

    public ValueTask AnswerAsync(Exchange exchange)
    {
        // Preflights come without a token, so they are answered before one is asked for.
        if (exchange.Method == HttpMethods.Options)
            return Cors.PreflightAsync(exchange);
        if (exchange.Method != HttpMethods.Get && !exchange.IsHead && !IsWebSocketOfHttp2(exchange))
        {
            exchange.Headers.Allow = "GET, HEAD, OPTIONS";
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status405MethodNotAllowed, "media is read with GET or HEAD");
        }
        if (pages.TryAnswer(exchange, out var page))
            return page;
        var admission = gate.Admit(exchange);
        return admission.Pending is { } pending ? AwaitAsync(exchange, pending) : AnswerAsync(exchange, admission);
    }

    // In HTTP/1.1 whoever does not know what to upgrade to gives what is there (RFC 9110 section 7.8); a CONNECT can only be refused.
    private static bool IsWebSocketOfHttp2(Exchange exchange) => exchange.Method == HttpMethods.Connect && exchange.AsksForWebSocket;

    private async ValueTask AwaitAsync(Exchange exchange, Task<Admission> pending) => await AnswerAsync(exchange, await pending);

    private ValueTask AnswerAsync(Exchange exchange, in Admission admission)
    {
        if (!admission.Granted)
            return refusals.WriteAsync(exchange, admission);
        var path = exchange.Target.Path;
        if (MediaKind.IsHidden(path) || path[^1] == '/' || FrontDoor.IsReserved(path))
            return MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "no such file");
        if (live.OnDemand.Find(path, out var isEntry) is { } wanted)
        {
            if (isEntry)
                return BeginAsync(exchange, admission, wanted);
            wanted.Touch();
        }
        return FindAsync(exchange, admission);
    }

    /// <summary>A stream that begins when somebody asks.</summary>
    private async ValueTask BeginAsync(Exchange exchange, Admission admission, IOnDemandStream stream)
    {
        var answer = await stream.WantAsync();
        if (answer.State == SourceState.There)
        {
            await FindAsync(exchange, admission);
            return;
        }
        exchange.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(answer.Again.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        await (answer.State == SourceState.None
            ? MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "there is no such stream where it would come from")
            : MediaErrors.WriteAsync(exchange, StatusCodes.Status503ServiceUnavailable, "the stream does not come from where it is fetched"));
    }

    private ValueTask FindAsync(Exchange exchange, in Admission admission)
    {
        foreach (var source in _sources)
        {
            if ((source.OpensWebSockets || !IsWebSocketOfHttp2(exchange)) && source.TryAnswer(exchange, admission, out var answer))
                return answer;
        }
        return MediaErrors.WriteAsync(exchange, StatusCodes.Status404NotFound, "no such file");
    }
}
