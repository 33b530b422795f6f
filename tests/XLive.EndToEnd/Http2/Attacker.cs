using System.Diagnostics;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Http2;

/// <summary>What a client did to the server in some time, and what that cost the server.</summary>
public sealed record Damage(TimeSpan Time, TimeSpan Cpu, long Pieces, int Connections, long MemoryGrown, TimeSpan NeighbourP99, int NeighbourAsked);

/// <summary>One client at its full rate, a neighbour who asks for a film every few milliseconds, and the server's own clock of its work.</summary>
public sealed class Attacker(H2Server target)
{
    /// <summary>The attack again and again, on a new connection where the server ended the last.</summary>
    public Damage Run(Attack attack, TimeSpan time) => Measure(time, stop =>
    {
        long pieces = 0;
        var connections = 0;
        while (!stop())
        {
            connections++;
            using var connection = new H2Connection(target.Port) { SendLimit = TimeSpan.FromMilliseconds(300) };
            var reader = attack.Reads ? Task.Factory.StartNew(connection.Drain, TaskCreationOptions.LongRunning) : Task.CompletedTask;
            var sent = 0;
            try
            {
                connection.Begin().Send(attack.Begin);
                var batch = new MemoryStream();
                while (!stop() && !(attack.Reads && reader.IsCompleted))
                {
                    batch.SetLength(0);
                    // The first goes alone: where it ends the connection, what stands behind it is never read.
                    var most = sent == 0 ? 1 : 200;
                    for (var i = 0; i < most && batch.Length < 32 * 1024; i++)
                    {
                        batch.Write(attack.Piece(sent++));
                    }
                    connection.Send(batch.ToArray());
                }
            }
            catch (IOException)
            {
                // Ended by the server, or it takes no more.
            }
            pieces += sent;
            connection.Close();
            reader.Wait();
        }
        return (pieces, connections);
    });

    /// <summary>A player in a hurry: a hundred requests under way at any time, each answer read.</summary>
    public Damage RunHonest(TimeSpan time) => Measure(time, stop =>
    {
        long asked = 0;
        using var connection = new H2Connection(target.Port);
        connection.Begin().Send(H2Connection.Of(FrameType.WindowUpdate, 0, 0, H2Connection.Number(1 << 30)));
        while (!stop())
        {
            var batch = new MemoryStream();
            for (var i = 0; i < 100; i++)
            {
                batch.Write(Attack.Honest.Piece((int)asked++));
            }
            connection.Send(batch.ToArray());
            for (var open = 100; open > 0;)
            {
                var frame = connection.Read() ?? throw new InvalidOperationException("An honest client was cut.");
                if (frame.Type is FrameType.Data or FrameType.Headers && (frame.Flags & Frame.EndStream) != 0)
                {
                    open--;
                }
            }
        }
        return (asked, 1);
    });

    /// <summary>Comes, asks once and goes, one after the other.</summary>
    public Damage RunVisitors(TimeSpan time) => Measure(time, stop =>
    {
        var visits = 0;
        while (!stop())
        {
            using var connection = new H2Connection(target.Port);
            connection.Begin().Send(Attack.Honest.Piece(0));
            while (connection.Read() is { } frame && (frame.Flags & Frame.EndStream) == 0 | frame.Type is not (FrameType.Data or FrameType.Headers))
            {
            }
            visits++;
        }
        return (visits, visits);
    });

    Damage Measure(TimeSpan time, Func<Func<bool>, (long Pieces, int Connections)> work)
    {
        var process = target.Server.Process.Id;
        var memoryBefore = Memory(process);
        long memory = memoryBefore;
        var waits = new List<TimeSpan>();
        var clock = Stopwatch.StartNew();
        var cpu = Cpu(process);
        var over = false;
        var neighbour = Task.Factory.StartNew(() =>
        {
            while (!Volatile.Read(ref over))
            {
                var asked = Stopwatch.StartNew();
                using var answer = target.Server.Http.GetAsync("/a.ts").GetAwaiter().GetResult();
                answer.EnsureSuccessStatusCode();
                waits.Add(asked.Elapsed);
                memory = Math.Max(memory, Memory(process));
                Thread.Sleep(4);
            }
        }, TaskCreationOptions.LongRunning);
        var (pieces, connections) = work(() => clock.Elapsed > time);
        var spent = Cpu(process) - cpu;
        var took = clock.Elapsed;
        Volatile.Write(ref over, true);
        neighbour.GetAwaiter().GetResult();
        waits.Sort();
        return new Damage(took, spent, pieces, connections, memory - memoryBefore, waits[(int)(waits.Count * 0.99)], waits.Count);
    }

    // proc(5): ticks of a hundredth of a second.
    static TimeSpan Cpu(int process)
    {
        var stat = File.ReadAllText($"/proc/{process}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromMilliseconds(fields[11..13].Sum(ticks => long.Parse(ticks, System.Globalization.CultureInfo.InvariantCulture)) * 10);
    }

    static long Memory(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line[6..^2].Trim(), System.Globalization.CultureInfo.InvariantCulture) * 1024;
    }
}
