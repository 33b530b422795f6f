using System.Diagnostics;
using System.Runtime.CompilerServices;
using XLive.Server.Sessions;

namespace XLive.Server.Tests.Sessions;

public class ClientKindTests(ITestOutputHelper output)
{
    private static List<(ClientKind Kind, ClientSigns Signs, string UserAgent)> Table([CallerFilePath] string here = "")
    {
        var rows = new List<(ClientKind, ClientSigns, string)>();
        foreach (string line in File.ReadLines(Path.Combine(Path.GetDirectoryName(here)!, "user-agents.tsv")))
        {
            if (line.StartsWith('#'))
                continue;
            string[] columns = line.Split('\t');
            Assert.Equal(3, columns.Length);
            rows.Add((Enum.Parse<ClientKind>(columns[0]), columns[1].Length == 0 ? 0 : Enum.Parse<ClientSigns>(columns[1]), columns[2]));
        }
        return rows;
    }

    [Fact]
    public void Real_clients_are_told_apart()
    {
        var table = Table();
        Assert.True(table.Count >= 120, $"{table.Count} rows");
        string[] wrong = [.. table.Where(row => ClientKinds.Of(row.UserAgent, row.Signs) != row.Kind)
            .Select(row => $"{row.Kind} expected, {ClientKinds.Of(row.UserAgent, row.Signs)} told ({row.Signs}): {row.UserAgent}")];
        Assert.True(wrong.Length == 0, string.Join('\n', wrong));
        output.WriteLine(string.Join(", ", table.GroupBy(row => row.Kind).Select(group => $"{group.Count()} {group.Key}")));
    }

    [Theory]
    [InlineData("botbotbotbotbotbotbotx")]
    [InlineData("cubotcubotcubot")]
    [InlineData("+")]
    [InlineData("\0\u00ff\uffff")]
    public void Nonsense_is_borne(string userAgent) => _ = ClientKinds.Of(userAgent, 0);

    [Fact]
    public void Telling_allocates_nothing_and_is_quick_whatever_is_sent()
    {
        var table = Table();
        string hostile = string.Concat(Enumerable.Repeat("cubot Mozill Lav/ ", 4000));
        double mean = double.MaxValue;
        long allocated = 0, start;
        for (int round = 0; round < 200 && mean > 200; round++)
        {
            // The runtime compiles for speed in the background, and only once the tests beside this one let it.
            Thread.Sleep(10);
            long before = GC.GetAllocatedBytesForCurrentThread();
            start = Stopwatch.GetTimestamp();
            for (int again = 0; again < 20; again++)
                foreach (var row in table)
                    ClientKinds.Of(row.UserAgent, row.Signs);
            mean = Math.Min(mean, Stopwatch.GetElapsedTime(start).TotalNanoseconds / (20 * table.Count));
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        string chrome = table[0].UserAgent;
        double browser = double.MaxValue;
        for (int round = 0; round < 40; round++)
        {
            start = Stopwatch.GetTimestamp();
            for (int i = 0; i < 1000; i++)
                ClientKinds.Of(chrome, 0);
            browser = Math.Min(browser, Stopwatch.GetElapsedTime(start).TotalNanoseconds / 1000);
        }
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < 1000; i++)
            ClientKinds.Of(hostile, 0);
        output.WriteLine($"mean {mean:F0} ns, Chrome {browser:F0} ns, hostile {Stopwatch.GetElapsedTime(start).TotalNanoseconds / 1000:F0} ns");
        Assert.Equal(0, allocated);
        Assert.True(mean < 2000);
    }
}
