namespace XLive.Server.Limits;

/// <summary>Where the files of the control groups above this process are, version 1 or 2: of one controller, the innermost first.</summary>
internal static class ControlGroups
{
    public static IEnumerable<(string Folder, bool IsSecond)> Of(string controller, string groups, string mounts)
    {
        string[] lines, mounted;
        try
        {
            (lines, mounted) = (File.ReadAllLines(groups), File.ReadAllLines(mounts));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No /proc, no groups, no limit.
            yield break;
        }
        foreach (var mount in mounted)
        {
            // 36 35 98:0 /root /mnt options [optional ...] - type source superoptions; see proc_pid_mountinfo(5)
            var fields = mount.Split(' ');
            var dash = Array.IndexOf(fields, "-");
            if (dash < 0 || dash + 3 >= fields.Length)
                continue;
            var isSecond = fields[dash + 1] == "cgroup2";
            if (!isSecond && !(fields[dash + 1] == "cgroup" && fields[dash + 3].Split(',').Contains(controller)))
                continue;
            if (PathOf(controller, lines, isSecond) is not { } path)
                continue;
            var at = Unescaped(fields[4]);
            for (var rest = Below(path, Unescaped(fields[3])).TrimEnd('/'); ; rest = rest[..rest.LastIndexOf('/')])
            {
                yield return (at + rest, isSecond);
                if (rest.LastIndexOf('/') < 0)
                    break;
            }
        }
    }

    /// <summary>"0::/path" is version 2's line, "4:memory:/path" version 1's.</summary>
    private static string? PathOf(string controller, string[] lines, bool isSecond)
    {
        foreach (var line in lines)
        {
            var parts = line.Split(':', 3);
            if (parts.Length == 3 && (isSecond ? parts[0] == "0" : parts[1].Split(',').Contains(controller)))
                return parts[2];
        }
        return null;
    }

    /// <summary>A container often sees its own group mounted as the root while /proc names it from the host's.</summary>
    private static string Below(string path, string root) =>
        root == "/" ? path : path.StartsWith(root, StringComparison.Ordinal) ? path[root.Length..] : "";

    private static string Unescaped(string text) => text.Replace("\\040", " ", StringComparison.Ordinal);
}
