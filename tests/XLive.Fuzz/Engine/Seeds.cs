using System.Collections.Concurrent;
using System.Reflection;

namespace XLive.Fuzz.Engine;

/// <summary>Inputs kept for ever, a file each below Seeds/NAME: what once failed, and what is worth beginning from.</summary>
public static class Seeds
{
    private static readonly Assembly Home = typeof(Seeds).Assembly;
    private static readonly ConcurrentDictionary<string, IReadOnlyList<(string Name, string Text)>> Loaded = [];

    public static IReadOnlyList<(string Name, string Text)> Of(string fuzzer) => Loaded.GetOrAdd(fuzzer, Load);

    private static List<(string Name, string Text)> Load(string fuzzer)
    {
        var seeds = new List<(string, string)>();
        foreach (var name in Home.GetManifestResourceNames().Where(n => n.StartsWith(fuzzer + "/", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var stream = Home.GetManifestResourceStream(name)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            seeds.Add((name, Fuzzer.Latin(bytes)));
        }
        return seeds;
    }
}
