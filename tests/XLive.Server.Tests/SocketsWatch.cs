using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using Xunit.v3;

[assembly: XLive.Server.Tests.SocketsWatch.Noted]

namespace XLive.Server.Tests;

/// <summary>
/// Says which tests ran when the threads stood that read the kernel's events. What awaits a socket goes on there (Program.Prepare): a test that then
/// blocks holds up the sockets of all others, and they are the ones that fail.
/// </summary>
internal static class SocketsWatch
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(2);
    private static readonly ConcurrentDictionary<string, long> s_running = new();

    public static void Begin() => new Thread(Look) { IsBackground = true, Name = "sockets watch" }.Start();

    private static void Look()
    {
        // Sockets are dealt out to the threads in turn, of which there are as many as processors.
        var probes = Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(static _ => new Probe()).ToArray();
        while (true)
        {
            foreach (var probe in probes)
            {
                var took = probe.Ask(Long);
                if (took > Long)
                    Console.WriteLine($"[sockets] a thread of them stood for {took.TotalSeconds:0.0} s (of {probe.Thread}); while these ran: {string.Join(", ", s_running.Select(static t => $"{t.Key} ({Stopwatch.GetElapsedTime(t.Value).TotalSeconds:0} s)"))}");
            }
            Thread.Sleep(100);
        }
    }

    /// <summary>A datagram to itself, and when the thread has read it.</summary>
    private sealed class Probe : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        private readonly SocketAsyncEventArgs _event = new();
        private readonly AutoResetEvent _here = new(false);

        public Probe()
        {
            _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _socket.Connect(_socket.LocalEndPoint!);
            _event.SetBuffer(new byte[1]);
            _event.Completed += (_, _) =>
            {
                Thread = System.Threading.Thread.CurrentThread.Name;
                _here.Set();
            };
        }

        public string? Thread { get; private set; }

        public TimeSpan Ask(TimeSpan most)
        {
            if (!_socket.ReceiveAsync(_event))
                return TimeSpan.Zero;
            var since = Stopwatch.GetTimestamp();
            _socket.Send(new byte[1]);
            if (!_here.WaitOne(most))
            {
                foreach (var task in Directory.GetDirectories("/proc/self/task"))
                {
                    if (File.ReadAllText(task + "/comm").StartsWith(".NET Sockets", StringComparison.Ordinal))
                        Console.WriteLine($"[sockets] {Path.GetFileName(task)}: {File.ReadAllText(task + "/wchan")} {File.ReadAllText(task + "/syscall").Trim()}");
                }
                Console.WriteLine($"[sockets] stands; these run: {string.Join(", ", s_running.Keys)}");
                _here.WaitOne();
            }
            return Stopwatch.GetElapsedTime(since);
        }

        public void Dispose()
        {
            _socket.Dispose();
            _event.Dispose();
            _here.Dispose();
        }
    }

    [AttributeUsage(AttributeTargets.Assembly)]
    internal sealed class NotedAttribute : BeforeAfterTestAttribute
    {
        public override void Before(MethodInfo methodUnderTest, IXunitTest test) => s_running[test.TestDisplayName] = Stopwatch.GetTimestamp();

        public override void After(MethodInfo methodUnderTest, IXunitTest test) => s_running.TryRemove(test.TestDisplayName, out _);
    }
}
