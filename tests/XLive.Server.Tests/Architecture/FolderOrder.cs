using System.CodeDom.Compiler;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace XLive.Server.Tests.Architecture;

/// <summary>The rules of the house as functions over any types, so that their tests can break them on purpose.</summary>
internal static partial class FolderOrder
{
    public const string Root = "XLive.Server";

    /// <summary>A folder uses only those above it. This is the whole architecture; ARCHITECTURE.md draws it.</summary>
    public static readonly string[] Folders =
    [
        "Settings", "Telemetry", "Storage", "Storage.Redis", "Traffic.Counters", "Traffic", "Traffic.Quotas", "Traffic.Reports", "Traffic.History", "Limits", "Sending",
        "Door.Clients", "Door.Tls", "Door", "Sessions", "Sessions.Redis", "Accounts", "Hooks", "Access", "Live", "Rtmp",
        "Ingest.Rtmp", "Ingest.Pull", "Ingest.Ladder",
        "Playback.Http", "Playback.Hls", "Playback.HttpFlv", "Playback.Rtmp", "Playback.Watch", "Playback.Forward",
        "Playback.Vod.Folder", "Playback.Vod.Origin", "Playback.Vod.Cache", "Playback.Vod.Warming", "Playback.Vod", "Playback.FrontCache",
        "Operations.Health", "Operations.Metrics", "Operations.Api", "Operations.WebConsole", "Operations.Commands",
    ];

    // The live hub stands between them; the moment one names the other, a protocol on one side knows one on the other.
    private static readonly string[] Strangers = ["Ingest", "Playback"];

    public static IEnumerable<string> Violations(IEnumerable<Type> types)
    {
        foreach (var type in types.Where(t => !IsGenerated(t)))
        {
            if (FolderOf(type) is not { } folder)
            {
                if (OutermostOf(type) is not { Namespace: Root, Name: "Program" })
                {
                    yield return $"{type.FullName} stands in {type.Namespace ?? "no namespace"}, which is no folder of the house";
                }

                // Program wires everything together and may know everything.
                continue;
            }

            foreach (var use in TypeUses.Of(type).Where(u => IsInside(u.To.Namespace) && !IsGenerated(u.To)))
            {
                if (Objection(folder, FolderOf(use.To), use.To) is { } objection)
                {
                    yield return $"{type.FullName} names {use.To.FullName} ({use.How}): {objection}";
                }
            }
        }
    }

    /// <summary>Files whose namespace is not their folder; `folder` has the source of `root`.</summary>
    public static IEnumerable<string> Misplaced(string folder, string root)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        {
            var place = Path.GetRelativePath(folder, Path.GetDirectoryName(file)!);
            if (place.Split('/')[0] is "obj" or "bin")
            {
                continue;
            }

            var expected = place == "." ? root : root + "." + place.Replace('/', '.');
            var found = NamespaceLine().Match(File.ReadAllText(file)).Groups[1].Value;
            if (found.Length > 0 && found != expected)
            {
                yield return $"{Path.GetRelativePath(folder, file)} has the namespace {found} instead of {expected}";
            }
        }
    }

    /// <summary>Uses of what the byte layer must not know: it has no wires, no clock and no host.</summary>
    public static IEnumerable<string> ImpureUses(IEnumerable<Type> types) =>
        from type in types
        from use in TypeUses.Of(type)
        let reason = Impurity(use)
        where reason is not null
        select $"{type.FullName} names {use.Member?.Name ?? use.To.FullName} of {use.To.FullName} ({use.How}): {reason}";

    private static string? Impurity(TypeUse use)
    {
        var name = use.To.FullName ?? "";
        var space = use.To.Namespace ?? "";
        if (space.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || space.StartsWith("Microsoft.Extensions", StringComparison.Ordinal)
            || space.StartsWith("System.Net", StringComparison.Ordinal))
        {
            return "no host and no socket in the byte layer";
        }

        // Dates as values are media data (a box holds one); asking for the present one is what tests cannot repeat.
        var clock = name is "System.TimeProvider" or "System.Diagnostics.Stopwatch" or "System.Threading.Timer" or "System.Threading.PeriodicTimer"
            || (name is "System.DateTime" or "System.DateTimeOffset" && use.Member?.Name is "get_Now" or "get_UtcNow" or "get_Today")
            || (name is "System.Environment" && use.Member?.Name is "get_TickCount" or "get_TickCount64")
            || (name is "System.Threading.Tasks.Task" or "System.Threading.Thread" && use.Member?.Name is "Delay" or "Sleep");
        return clock ? "no clock in the byte layer" : null;
    }

    private static string? Objection(string folder, string? used, Type to)
    {
        if (used is null)
        {
            return $"{to.Namespace} is no folder of the house";
        }

        if (Array.IndexOf(Folders, used) > Array.IndexOf(Folders, folder))
        {
            return $"{folder} stands above {used}";
        }

        var own = Group(folder);
        return own != Group(used) && Strangers.Contains(own) && Strangers.Contains(Group(used)) ? $"{own} and {Group(used)} never name each other" : null;
    }

    private static string? FolderOf(Type type) =>
        type.Namespace is { } space && space.StartsWith(Root + ".", StringComparison.Ordinal) && Folders.Contains(space[(Root.Length + 1)..])
            ? space[(Root.Length + 1)..]
            : null;

    private static string Group(string folder) => folder.Split('.')[0];

    private static bool IsInside(string? space) => space == Root || space?.StartsWith(Root + ".", StringComparison.Ordinal) == true;

    // Compilers and source generators put helpers of theirs into namespaces of theirs. Inside ours nothing is exempt.
    private static bool IsGenerated(Type type)
    {
        var outermost = OutermostOf(type);
        return !IsInside(outermost.Namespace)
            && (outermost.Name.Contains('<') || outermost.IsDefined(typeof(CompilerGeneratedAttribute)) || outermost.IsDefined(typeof(GeneratedCodeAttribute)));
    }

    private static Type OutermostOf(Type type) => type.DeclaringType is { } outer ? OutermostOf(outer) : type;

    [GeneratedRegex(@"^namespace\s+([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();
}
