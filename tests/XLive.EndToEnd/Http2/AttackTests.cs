using System.Diagnostics;
using System.Globalization;
using System.Text;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Http2;

/// <summary>
/// What one hostile client may cost. The measure is an honest one: the server's processor time for the attack, beside what it takes for
/// as many requests and connections of a client that means it. No attack may be worth more than ten times its price, nor use more than
/// ten times what an honest client at full rate uses in the same time.
/// </summary>
[Collection(Undisturbed.Name)]
public sealed class AttackTests(H2Server shared) : IClassFixture<H2Server>
{
    const double Most = 10;

    // Two streams of garbage a millisecond and no need to collect it yet: below a limit of memory there is.
    const long MostMemory = 320 << 20;

    [Fact]
    public void No_attack_costs_ten_times_what_honest_clients_cost()
    {
        var time = TimeSpan.FromSeconds(double.Parse(Environment.GetEnvironmentVariable("XLIVE_ATTACK_SECONDS") ?? "0.4", CultureInfo.InvariantCulture));
        var attacker = new Attacker(shared);
        attacker.RunHonest(TimeSpan.FromSeconds(1)); // what is compiled late is compiled now
        var honest = attacker.RunHonest(time);
        var visitors = attacker.RunVisitors(time);
        var request = honest.Cpu / honest.Pieces;
        var visit = visitors.Cpu / visitors.Connections;
        var table = new StringBuilder();
        Row(table, "an honest client, 100 requests at a time", "", honest, 1, 1);
        Row(table, "visitors: connect, ask once, go", "", visitors, visitors.Cpu / visitors.Time / (honest.Cpu / honest.Time), 1);
        var faults = new List<string>();
        foreach (var attack in Attack.All)
        {
            var damage = attacker.Run(attack, time);
            var rate = damage.Cpu / damage.Time / (honest.Cpu / honest.Time);
            // Of what one who does not read has sent, nobody knows how much was taken.
            var price = attack.Reads ? damage.Cpu / (request * damage.Pieces + visit * damage.Connections) : 0;
            Row(table, attack.Name, attack.Known, damage, rate, price);
            if (rate > Most || price > Most || damage.MemoryGrown > MostMemory)
            {
                faults.Add($"{attack.Name}: {rate:F1} of an honest client's rate, {price:F1} of its price, {damage.MemoryGrown >> 20} MiB");
            }
        }
        if (Environment.GetEnvironmentVariable("XLIVE_RESULTS") is { } results)
        {
            File.WriteAllText(results, table.ToString());
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults) + "\n" + table);
        using var after = new H2Connection(shared.Port);
        after.Begin().Send(H2Connection.Request(1));
        while (after.Read() is { Type: not FrameType.Headers } frame)
        {
            Assert.NotEqual(FrameType.GoAway, frame.Type);
        }
    }

    [Theory]
    [InlineData("/a.ts")]
    [InlineData("/large.ts")]
    public void Streams_without_a_window_hold_little(string path)
    {
        const int connections = 20, streams = 100;
        var before = shared.Server.Memory();
        var held = new List<H2Connection>();
        try
        {
            for (var i = 0; i < connections; i++)
            {
                var connection = new H2Connection(shared.Port);
                held.Add(connection);
                connection.Begin().Send(H2Connection.Settings(4, 0));
                for (var n = 0; n < streams; n++)
                {
                    connection.Send(H2Connection.Request(1 + 2 * n, path));
                }
                // Every one has its head.
                for (var heads = 0; heads < streams; heads += connection.Read()!.Type == FrameType.Headers ? 1 : 0)
                {
                }
            }
            var each = (shared.Server.Memory() - before) / connections;
            // Measured: 1.2 MiB for a hundred streams; with pieces of 128 KiB it was 26 MiB.
            Assert.InRange(each, long.MinValue, 4 << 20);
        }
        finally
        {
            held.ForEach(c => c.Dispose());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM")]
    public async Task Who_agrees_on_HTTP_2_and_does_not_begin_is_left(string begun)
    {
        await using var server = new H2Server { Options = ["--server.keepalive_timeout=2s"] };
        await server.InitializeAsync();
        var clock = Stopwatch.StartNew();
        using var silent = new H2Connection(server.Port);
        silent.Send(Encoding.ASCII.GetBytes(begun));
        while (silent.Read() is not null)
        {
        }
        Assert.InRange(clock.Elapsed.TotalSeconds, 1, 10);
    }

    static void Row(StringBuilder table, string name, string known, Damage d, double rate, double price) =>
        table.AppendLine(CultureInfo.InvariantCulture,
            $"| {name} | {known} | {d.Pieces / d.Time.TotalSeconds:N0} | {d.Connections / d.Time.TotalSeconds:N1} | {d.Cpu / d.Time:F2} | {rate:F2} | {(price > 0 ? price.ToString("F2", CultureInfo.InvariantCulture) : "–")} | {d.MemoryGrown / 1048576.0:F1} | {d.NeighbourP99.TotalMilliseconds:F1} |");
}
