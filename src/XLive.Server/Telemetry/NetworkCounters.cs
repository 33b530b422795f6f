using System.Text;

namespace XLive.Server.Telemetry;

/// <summary>Of one interface, since the machine began.</summary>
internal readonly record struct InterfaceCounters(
    string Name, long ReceivedBytes, long ReceivedPackets, long ReceiveErrors, long ReceiveDrops, long SentBytes, long SentPackets, long SendErrors, long SendDrops);

/// <summary>/proc/net/dev (proc_pid_net(5)): what went through the interfaces of this network, a container's or the machine's.</summary>
internal static class NetworkCounters
{
    /// <summary>A machine of containers has a hundred of them; those that never carried anything are left out first.</summary>
    public const int Most = 16;

    private const int Columns = 12; // of sixteen, up to the sent drops

    public static List<InterfaceCounters> Read(ReadOnlySpan<byte> text)
    {
        var found = new List<InterfaceCounters>(4);
        Span<long> column = stackalloc long[Columns];
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            var colon = line.IndexOf((byte)':');
            if (colon < 0 || found.Count == Most)
                continue;
            var name = line[..colon].Trim((byte)' ');
            if (!IsPlain(name))
                continue;
            var words = new Words(line[(colon + 1)..]);
            var count = 0;
            while (count < Columns && words.Number() is { } number)
                column[count++] = number;
            if (count == Columns && column[0] + column[8] > 0)
                found.Add(new(Encoding.ASCII.GetString(name), column[0], column[1], column[2], column[3], column[8], column[9], column[10], column[11]));
        }
        return found;
    }

    // The kernel takes any byte but / and blanks; a label has nothing that must be escaped.
    private static bool IsPlain(ReadOnlySpan<byte> name)
    {
        foreach (var b in name)
        {
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'.' or (byte)'_' or (byte)'-' or (byte)'@'))
                return false;
        }
        return name.Length is > 0 and <= 15;
    }

    /// <summary>
    /// A number of /proc/net/snmp or netstat: pairs of lines, "Tcp: A B C" over "Tcp: 1 2 3". Null: this kernel does not have it.
    /// </summary>
    public static long? Pair(ReadOnlySpan<byte> text, ReadOnlySpan<byte> table, ReadOnlySpan<byte> name)
    {
        ReadOnlySpan<byte> names = default;
        foreach (var range in text.Split((byte)'\n'))
        {
            var line = text[range];
            if (!line.StartsWith(table))
                continue;
            if (names.IsEmpty)
            {
                names = line;
                continue;
            }
            var keys = new Words(names);
            var values = new Words(line);
            while (keys.Next(out var key) && values.Next(out var value))
            {
                if (key.SequenceEqual(name))
                    return Settings.WholeNumber.TryRead(value, out var number) ? number : null;
            }
            return null;
        }
        return null;
    }
}
