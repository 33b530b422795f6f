using System.Text;
using System.Text.RegularExpressions;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>
/// What a unit's SystemCallFilter= leaves, put around a program as systemd does it: a filter in the kernel that answers EPERM to all else.
/// </summary>
public static partial class SystemCalls
{
    /// <summary>A program that starts another one so: its first argument.</summary>
    public static async Task<string> Filter(string unit, TempFolder folder)
    {
        var sets = await Sets();
        var allowed = new SortedSet<string>(Expand("@default", sets), StringComparer.Ordinal);
        // As systemd.exec(5) has it: the first line decides that it is a list of what is allowed, one with ~ takes away again.
        foreach (Match line in Line().Matches(unit))
        {
            var isTaken = line.Groups[1].Length > 0;
            foreach (var name in line.Groups[2].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (isTaken)
                {
                    allowed.ExceptWith(Expand(name, sets));
                }
                else
                {
                    allowed.UnionWith(Expand(name, sets));
                }
            }
        }
        Assert.Contains("read", allowed);
        var source = new StringBuilder("""
            #include <errno.h>
            #include <linux/filter.h>
            #include <linux/seccomp.h>
            #include <stddef.h>
            #include <stdio.h>
            #include <sys/prctl.h>
            #include <sys/syscall.h>
            #include <unistd.h>
            #define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
            static struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),

            """);
        foreach (var name in allowed)
        {
            source.Append(System.Globalization.CultureInfo.InvariantCulture, $"#ifdef __NR_{name}\n    ALLOW(__NR_{name})\n#endif\n");
        }
        source.Append("""
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
            };
            int main(int count, char **words)
            {
                struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };
                if (count < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
                    perror("filter");
                    return 1;
                }
                execvp(words[1], words + 1);
                perror(words[1]);
                return 1;
            }

            """);
        await File.WriteAllTextAsync(folder["filter.c"], source.ToString());
        (await Tool.Run("gcc", ["-O1", "-Wall", "-Werror", "-o", folder["filter"], folder["filter.c"]], TimeSpan.FromSeconds(60))).MustSucceed();
        return folder["filter"];
    }

    /// <summary>Of the systemd that is installed here: the set's name and what is in it, other sets too.</summary>
    static async Task<Dictionary<string, List<string>>> Sets()
    {
        var sets = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        List<string>? open = null;
        foreach (var line in (await Tool.Run("systemd-analyze", ["syscall-filter", "--no-pager"], TimeSpan.FromSeconds(20))).MustSucceed().Output.Split('\n'))
        {
            var word = line.Trim();
            if (line.StartsWith('@'))
            {
                sets[word] = open = [];
            }
            else if (!line.StartsWith(' '))
            {
                open = null; // an empty line; what the kernel has and no set
            }
            else if (word[0] != '#')
            {
                open?.Add(word);
            }
        }
        return sets;
    }

    static IEnumerable<string> Expand(string name, Dictionary<string, List<string>> sets) =>
        name[0] != '@' ? [name] : sets.TryGetValue(name, out var members) ? members.SelectMany(member => Expand(member, sets)) : throw new ArgumentException($"there is no set {name}");

    [GeneratedRegex("^SystemCallFilter=(~?)(.*)$", RegexOptions.Multiline)]
    private static partial Regex Line();
}
