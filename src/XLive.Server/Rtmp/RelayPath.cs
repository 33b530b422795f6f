using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace XLive.Server.Rtmp;

/// <summary>
/// The relays that a stream came by. It travels in the flashVer of who publishes, which every server passes over: where a node finds its own name, the stream
/// has come round in a circle, and is refused.
/// </summary>
internal sealed class RelayPath
{
    private const string Before = "; via ";

    // What a connect command keeps of flashVer has room for ten.
    private const int Longest = 8;

    /// <summary>This process, to be known again and by nothing else.</summary>
    public string Own { get; } = RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 8);

    private static string[] Of(string software)
    {
        var begin = software.IndexOf(Before, StringComparison.Ordinal);
        return begin < 0 ? [] : software[(begin + Before.Length)..].TrimEnd(')').Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    /// <summary>It has been here before.</summary>
    public bool IsCircle(string software) => Of(software).Contains(Own);

    /// <summary>With this node behind those before it. False: it has come far enough.</summary>
    public bool TryExtend(string software, [NotNullWhen(true)] out string? path)
    {
        var before = Of(software);
        path = before.Length < Longest && before.All(static b => b.All(char.IsAsciiLetterOrDigit)) ? string.Join(' ', [.. before, Own]) : null;
        return path is not null;
    }
}
