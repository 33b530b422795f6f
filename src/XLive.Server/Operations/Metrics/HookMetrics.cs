using XLive.Server.Hooks;
using XLive.Server.Storage;

namespace XLive.Server.Operations.Metrics;

/// <summary>What the site is told and asked, and whether it hears.</summary>
internal static class HookMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var events = services.GetRequiredService<HookEvents>();
        var sender = services.GetRequiredService<HookSender>();
        var questions = services.GetRequiredService<HookQuestions>();
        metrics.Counters("xlive_hook_events_total", "Events that the site was to be told, by name.", "event",
            HookKinds.All.Select(k => (k.Word, (double)events.Count(k))));
        metrics.Counter("xlive_hook_delivered_total", "Events that the site has taken.", sender.Delivered);
        metrics.Counter("xlive_hook_attempts_failed_total", "Attempts that were not taken.", sender.FailedAttempts);
        metrics.Counter("xlive_hook_given_up_total", "Events that were refused, or not taken within a day; they wait for an operator.", sender.GivenUp);
        metrics.Counters("xlive_hook_dropped_total", "Events that found no room, and are lost.", "room", [("memory", events.Dropped), ("spool", sender.Dropped)]);
        metrics.Counters("xlive_hook_questions_total", "Questions whether somebody may publish or play, by what became of them.", "answer",
            Enum.GetValues<HookOutcome>().Select(o => (o.ToString().ToLowerInvariant(), (double)questions.Count(o))));
        metrics.Gauge("xlive_hook_questions", "Questions on their way now.", questions.Asked);
        metrics.Gauge("xlive_hook_questions_limit", "The most of them; who comes beyond has the answer of hooks.on_silence.", HookQuestions.MostAsked);
        metrics.Gauge("xlive_hook_answers", "Answers that are kept.", questions.Kept);
        metrics.Gauge("xlive_hook_answers_limit", "The most of them.", questions.KeptMost);
        metrics.Gauge("xlive_hook_silent", "1 while the site counts as silent: nobody waits for it.", services.GetRequiredService<HookEndpoint>().IsSilent ? 1 : 0);
        metrics.Gauge("xlive_hook_memory_events", "Events not written down yet.", events.InMemory);
        metrics.Gauge("xlive_hook_memory_events_limit", "The most of them.", HookEvents.MostInMemory);
        var depth = Depth(sender);
        metrics.Gauge("xlive_hook_spool_readable", "0 while the spool cannot be used.", depth is null || sender.Fault is not null ? 0 : 1);
        depth ??= new HookDepth(0, 0, 0, null);
        metrics.Gauges("xlive_hook_spool_events", "Events in the spool.", "state", [("waiting", depth.Waiting), ("dead", depth.Dead)]);
        metrics.Gauge("xlive_hook_spool_events_limit", "The most of both together.", HookSpool.MostEvents);
        metrics.Gauge("xlive_hook_spool_bytes", "Their size.", depth.Bytes);
        metrics.Gauge("xlive_hook_spool_bytes_limit", "The most of it.", HookSpool.MostBytes);
        metrics.Gauge("xlive_hook_spool_oldest_seconds", "Age of the oldest that waits.",
            depth.Oldest is { } oldest ? Math.Max(0, (events.Clock.GetUtcNow() - oldest).TotalSeconds) : 0);
    }

    /// <summary>Null: it cannot be read.</summary>
    internal static HookDepth? Depth(HookSender sender)
    {
        try
        {
            return sender.Spool?.Depth() ?? new HookDepth(0, 0, 0, null);
        }
        catch (DatabaseException)
        {
            return null;
        }
    }
}
