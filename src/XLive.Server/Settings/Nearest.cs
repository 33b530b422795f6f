namespace XLive.Server.Settings;

/// <summary>What the user may have meant: the known name with the fewest letters changed.</summary>
internal static class Nearest
{
    public static string To(string name, IEnumerable<string> known)
    {
        // Longer names cannot be meant, and the work grows with the length.
        var written = name.Length <= 64 ? name : name[..64];
        return known.MinBy(k => Distance(written, k)) ?? "";
    }

    // Optimal string alignment: swapped neighbours, the commonest slip, count once.
    private static int Distance(string a, string b)
    {
        Span<int> before = stackalloc int[b.Length + 1], last = stackalloc int[b.Length + 1], row = stackalloc int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToLowerInvariant(a[i - 1]) == b[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
                }
            }

            var spare = before;
            before = last;
            last = row;
            row = spare;
        }

        return last[b.Length];
    }
}
