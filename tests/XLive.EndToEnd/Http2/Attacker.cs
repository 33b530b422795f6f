using System.Diagnostics;
using System.Net.Sockets;

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
            var answers = new Answers();
            var reader = attack.Reads ? Task.Factory.StartNew(() => answers.ReadAll(connection), TaskCreationOptions.LongRunning) : Task.CompletedTask;
            var sent = 0;
            var ended = false;
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
                ended = attack.Reads && reader.IsCompleted;
            }
            catch (IOException e)
            {
                // Ended by the server; or it takes no more for now, from one who does not read or at all.
                ended = e.InnerException is not SocketException { SocketErrorCode: SocketError.TimedOut or SocketError.WouldBlock };
            }
            // What was sent behind the end cost nobody but the sender.
            if (ended && attack.Reads)
            {
                reader.Wait(TimeSpan.FromSeconds(1));
            }
            pieces += !ended ? sent : attack.Opens ? Math.Min(sent, answers.StreamsSeen) : answers.Acknowledged;
            connection.Close();
            reader.Wait();
        }
        return (pieces, connections);
    });

    sealed class Answers
    {
        /// <summary>As the server counts them in GOAWAY.</summary>
        public int StreamsSeen { get; private set; }
        public int Acknowledged { get; private set; }

        public void ReadAll(H2Connection connection)
        {
            try
            {
                while (connection.Read() is { } frame)
                {
                    if (frame.Type is FrameType.Ping or FrameType.Settings && (frame.Flags & Frame.Ack) != 0)
                    {
                        Acknowledged++;
                    }
                    else if (frame.Type == FrameType.GoAway && frame.LastStream < int.MaxValue)
                    {
                        StreamsSeen = (frame.LastStream + 1) / 2;
                    }
                    else if (frame.Type is FrameType.Headers or FrameType.RstStream)
                    {
                        StreamsSeen = Math.Max(StreamsSeen, (frame.Stream + 1) / 2);
                    }
                }
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // Our own end.
            }
        }
    }

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
        var memoryBefore = target.Server.Memory();
        long memory = memoryBefore;
        var waits = new List<TimeSpan>();
        var clock = Stopwatch.StartNew();
        var cpu = target.Server.CpuTime();
        var over = false;
        var neighbour = Task.Factory.StartNew(() =>
        {
            while (!Volatile.Read(ref over))
            {
                var asked = Stopwatch.StartNew();
                using var answer = target.Server.Http.GetAsync("/a.ts").GetAwaiter().GetResult();
                answer.EnsureSuccessStatusCode();
                waits.Add(asked.Elapsed);
                memory = Math.Max(memory, target.Server.Memory());
                Thread.Sleep(4);
            }
        }, TaskCreationOptions.LongRunning);
        var (pieces, connections) = work(() => clock.Elapsed > time);
        var spent = target.Server.CpuTime() - cpu;
        var took = clock.Elapsed;
        Volatile.Write(ref over, true);
        neighbour.GetAwaiter().GetResult();
        waits.Sort();
        return new Damage(took, spent, pieces, connections, memory - memoryBefore, waits[(int)(waits.Count * 0.99)], waits.Count);
    }
}
