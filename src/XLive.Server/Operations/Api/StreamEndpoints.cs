using System.Text.Json;
using XLive.Media;
using XLive.Media.Hls;
using XLive.Server.Accounts;
using XLive.Server.Door;
using XLive.Server.Door.Clients;
using XLive.Server.Live;
using XLive.Server.Operations.Metrics;
using XLive.Server.Playback.Hls;
using XLive.Server.Sessions;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Api;

/// <summary>GET /streams: each live stream, its publisher and its viewers. DELETE ends a publisher.</summary>
internal sealed class StreamEndpoints(LiveStreams streams, HlsStreams hls, SessionTable sessions, AuditLog audit, AddressOf addressOf, TimeProvider clock)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<StreamEndpoints>();
        routes.MapMethods("/streams", [HttpMethods.Get, HttpMethods.Head], (RequestDelegate)endpoints.ListAsync).Requires(Permission.Monitor);
        routes.MapDelete("/api/v1/streams/{app}/{stream}", (RequestDelegate)endpoints.EndAsync).Requires(Permission.Admin);
    }

    private Task ListAsync(HttpContext http)
    {
        var viewers = StreamViewers.OfHls(sessions, hls, clock);
        return ApiJson.WriteAsync(http, json =>
        {
            json.WriteStartArray("streams");
            foreach (var stream in streams.All.OrderBy(static s => s.Name.App, StringComparer.Ordinal).ThenBy(static s => s.Name.Stream, StringComparer.Ordinal))
            {
                json.WriteStartObject();
                Write(json, stream, viewers.GetValueOrDefault($"/{stream.Name}"));
                json.WriteEndObject();
            }
            json.WriteEndArray();
        });
    }

    /// <summary>Ends the turn; who may come back does, for his key is the same: to keep him out is to take that away.</summary>
    private async Task EndAsync(HttpContext http)
    {
        if (!StreamName.TryOf((string)http.Request.RouteValues["app"]!, (string)http.Request.RouteValues["stream"]!, out var name)
            || !streams.TryFind(name.Value, out var stream) || stream.Publication is not { } turn)
            throw new ProblemException(404, "not_found", "Nobody publishes a stream of that name.");
        turn.End(PublishEnd.Kicked);
        audit.Event(http.SignedIn()?.Name ?? "", $"ended the publisher of {name}, {turn.Publisher.Key}", addressOf(http));
        await ApiJson.WriteAsync(http, json =>
        {
            json.WriteString("name", name.ToString());
            json.WriteString("publisher", turn.Publisher.Key);
        });
    }

    private void Write(Utf8JsonWriter json, LiveStream stream, int hlsViewers)
    {
        var figures = stream.Figures();
        var window = hls.Newest(stream.Name)?.Figures();
        json.WriteString("name", stream.Name.ToString());
        Write(json, stream.Publication);
        Write(json, stream.Video, figures);
        Write(json, stream.Audio);
        json.WriteNumber("bits_per_second_in", Math.Round(figures.BitsIn));
        json.WriteNumber("bits_per_second_out", Math.Round(figures.BitsOut));
        if (window is { GopLength: > 0 })
            json.WriteNumber("gop_seconds", Seconds(window.GopLength));
        json.WriteStartObject("viewers");
        json.WriteNumber("hls", hlsViewers);
        foreach (var kind in Enum.GetValues<ViewerKind>())
            json.WriteNumber(kind.Word(), stream.ViewersOf(kind));
        json.WriteEndObject();
        json.WriteStartObject("dropped");
        json.WriteNumber("too_late_for_viewers", figures.FramesSkipped);
        json.WriteNumber("not_understood", figures.FramesRefused);
        json.WriteNumber("no_segment_could_hold", window?.Refused ?? 0);
        json.WriteNumber("time_jumps", figures.Discontinuities);
        json.WriteEndObject();
        Write(json, window);
        json.WriteNumber("frame_bytes", stream.Bytes);
        json.WriteNumber("memory_limit", streams.Options.MemoryPerStream);
        json.WriteStartArray("warnings");
        foreach (var warning in WarningsOf(window))
            json.WriteStringValue(warning);
        json.WriteEndArray();
    }

    private void Write(Utf8JsonWriter json, Publication? turn)
    {
        if (turn is null)
        {
            json.WriteNull("publisher");
            return;
        }
        json.WriteStartObject("publisher");
        json.WriteString("by", turn.Publisher.Key);
        json.WriteString("address", sessions.Privacy().Text(turn.Publisher.Address));
        json.WriteString("protocol", turn.Publisher.Protocol);
        json.WriteString("software", turn.Publisher.Software);
        json.WriteNumber("since", turn.Since.ToUnixTimeSeconds());
        json.WriteNumber("bytes", turn.Received);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Track? video, in LiveFigures figures)
    {
        if (video is null)
            return;
        json.WriteStartObject("video");
        json.WriteString("codec", video.CodecName);
        json.WriteNumber("width", video.Width);
        json.WriteNumber("height", video.Height);
        if (video.FrameRate > 0)
            json.WriteNumber("frame_rate", Math.Round(video.FrameRate, 3));
        json.WriteNumber("pictures_per_second", Math.Round(figures.PicturesPerSecond, 1));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, Track? audio)
    {
        if (audio is null)
            return;
        json.WriteStartObject("audio");
        json.WriteString("codec", audio.CodecName);
        json.WriteNumber("sample_rate", audio.SampleRate);
        json.WriteNumber("channels", audio.Channels);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, HlsFigures? window)
    {
        if (window is null)
            return;
        json.WriteStartObject("segments");
        json.WriteNumber("media_sequence", window.MediaSequence);
        json.WriteNumber("target_duration", window.TargetDuration);
        json.WriteStartArray("durations");
        foreach (var seconds in window.Durations)
            json.WriteNumberValue(Math.Round(seconds, 3));
        json.WriteEndArray();
        json.WriteNumber("removed", window.Removed);
        json.WriteNumber("bytes", window.Bytes);
        json.WriteNumber("part_target", Math.Round(window.PartTarget, 6));
        json.WriteNumber("blocked_requests", window.Blocked);
        json.WriteEndObject();
    }

    private static IEnumerable<string> WarningsOf(HlsFigures? window)
    {
        if (window is null)
            yield break;
        if (window.Warnings.HasFlag(SegmenterWarnings.LongGop))
            yield return $"keyframes are further apart than the target duration of {window.TargetDuration} s: segments begin without one, and players start late";
        if (window.Warnings.HasFlag(SegmenterWarnings.ClocksApart))
            yield return "audio and video have clocks of their own: audio was moved to where it came";
        if (window.Warnings.HasFlag(SegmenterWarnings.TimeJump))
            yield return "times jumped";
        if (window.Warnings.HasFlag(SegmenterWarnings.TracksChanged))
            yield return "a track came, went or changed";
        if (window.Warnings.HasFlag(SegmenterWarnings.TrackRefused))
            yield return "a track is left out of HLS: its codec has no place in this container";
    }

    private static double Seconds(long ticks) => Math.Round((double)ticks / Timestamp.PerSecond, 3);
}
