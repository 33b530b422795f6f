namespace XLive.Server.Hooks;

/// <summary>What a site is told of.</summary>
public enum HookKind : byte { Publish, Unpublish, Play, Stop, SessionLimit, Quota, ReportParked, Health }

/// <summary>The events by name, and which fields each has beside those of all. docs/hooks.md has the same table, and a test compares them.</summary>
public static class HookKinds
{
    private static readonly (string Word, string[] Fields)[] s_table =
    [
        ("on_publish", ["stream", "publisher", "protocol", "address"]),
        ("on_unpublish", ["stream", "publisher", "protocol", "address", "reason"]),
        ("on_play", ["stream", "path", "uid", "sid", "client", "address"]),
        ("on_stop", ["stream", "uid", "sid", "client", "address", "reason", "bytes", "opened", "last_seen"]),
        ("on_session_limit", ["uid", "address", "reason"]),
        ("on_quota", ["uid", "reason"]),
        ("on_report_parked", ["report", "reason"]),
        ("on_health", ["state", "before", "reason"]),
    ];

    public static IReadOnlyList<HookKind> All { get; } = Enum.GetValues<HookKind>();

    extension(HookKind kind)
    {
        public string Word => s_table[(int)kind].Word;

        public IReadOnlyList<string> Fields => s_table[(int)kind].Fields;
    }

    public static bool TryParse(string word, out HookKind kind)
    {
        var place = Array.FindIndex(s_table, e => e.Word == word);
        kind = (HookKind)Math.Max(place, 0);
        return place >= 0;
    }
}
