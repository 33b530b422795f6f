using XLive.Server.Limits;
using XLive.Server.Operations.Health;
using XLive.Server.Storage;
using XLive.Server.Telemetry;

namespace XLive.Server.Operations.Metrics;

/// <summary>The machine around the process, as /proc has it: no figure where that lacks it. Read when they are asked for.</summary>
internal static class MachineMetrics
{
    // A hundred interfaces or disks, or a thousand mounts; what goes beyond is cut.
    private const int MostText = 128 << 10;

    [ThreadStatic]
    private static byte[]? s_buffer;

    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        var buffer = s_buffer ??= new byte[MostText];
        var shares = services.GetRequiredService<ProcessorLoad>().Shares;
        metrics.Gauge("xlive_cpu_process_ratio", "Of the processors that this process may use, the share that it used of late.", shares.Process);
        metrics.Gauge("xlive_cpu_machine_ratio", "Of the machine's processors, the share that was used of late, but for what gives way (nice).", shares.Machine);
        metrics.Gauge("xlive_cpu_quota_ratio", "Of the control group's quota, the share that was used of late.", shares.Group);
        Network(metrics, buffer);
        Tcp(metrics, buffer);
        Disks(metrics, services, buffer);
    }

    private static void Network(IMetrics metrics, byte[] buffer)
    {
        var all = NetworkCounters.Read(ProcFile.Read("/proc/net/dev", buffer));
        Each("xlive_network_receive_bytes_total", "Bytes that came in by each interface, the first 16 that carry any.", static i => i.ReceivedBytes);
        Each("xlive_network_receive_packets_total", "Packets that came in.", static i => i.ReceivedPackets);
        Each("xlive_network_receive_errors_total", "Packets that came in broken.", static i => i.ReceiveErrors);
        Each("xlive_network_receive_drops_total", "Packets that came in and were dropped.", static i => i.ReceiveDrops);
        Each("xlive_network_transmit_bytes_total", "Bytes that went out.", static i => i.SentBytes);
        Each("xlive_network_transmit_packets_total", "Packets that went out.", static i => i.SentPackets);
        Each("xlive_network_transmit_errors_total", "Packets that could not be sent.", static i => i.SendErrors);
        Each("xlive_network_transmit_drops_total", "Packets that were to be sent and were dropped.", static i => i.SendDrops);

        void Each(string name, string help, Func<InterfaceCounters, double> figure)
        {
            var samples = new List<(string, double)>(all.Count);
            foreach (var one in all)
                samples.Add((one.Name, figure(one)));
            metrics.Counters(name, help, "interface", samples);
        }
    }

    private static void Tcp(IMetrics metrics, byte[] buffer)
    {
        var snmp = ProcFile.Read("/proc/net/snmp", buffer);
        var (sent, again) = (NetworkCounters.Pair(snmp, "Tcp: "u8, "OutSegs"u8), NetworkCounters.Pair(snmp, "Tcp: "u8, "RetransSegs"u8));
        var (established, reset) = (NetworkCounters.Pair(snmp, "Tcp: "u8, "CurrEstab"u8), NetworkCounters.Pair(snmp, "Tcp: "u8, "EstabResets"u8));
        var netstat = ProcFile.Read("/proc/net/netstat", buffer);
        metrics.Counter("xlive_tcp_segments_sent_total", "TCP segments that this network sent, of all programs in it.", sent);
        metrics.Counter("xlive_tcp_segments_retransmitted_total", "Of these, segments that were sent again.", again);
        metrics.Gauge("xlive_tcp_established", "TCP connections of all programs.", established);
        metrics.Counter("xlive_tcp_resets_total", "TCP connections that ended in a reset.", reset);
        metrics.Counter("xlive_tcp_listen_overflows_total", "Connections that found the queue of a port full.", NetworkCounters.Pair(netstat, "TcpExt: "u8, "ListenOverflows"u8));
        metrics.Counter("xlive_tcp_listen_drops_total", "Connections that were not taken up, for that or another reason.", NetworkCounters.Pair(netstat, "TcpExt: "u8, "ListenDrops"u8));
        metrics.Counter("xlive_tcp_timeouts_total", "Times that nothing was acknowledged for so long that TCP began again.", NetworkCounters.Pair(netstat, "TcpExt: "u8, "TCPTimeouts"u8));
    }

    private static void Disks(IMetrics metrics, IServiceProvider services, byte[] buffer)
    {
        var (free, size) = (new List<(string, double)>(), new List<(string, double)>());
        foreach (var space in services.GetRequiredService<DiskCheck>().Last)
        {
            free.Add((space.Key, space.Free));
            size.Add((space.Key, space.Size));
        }
        metrics.Gauges("xlive_disk_free_bytes", "Of the file systems of data.dir and log.dir, what is free.", "folder", free);
        metrics.Gauges("xlive_disk_size_bytes", "What they hold in all.", "folder", size);
        var device = DeviceCounters.DeviceOf(Path.GetFullPath(services.GetRequiredService<DataOptions>().Dir), ProcFile.Read("/proc/self/mountinfo", buffer));
        var counters = device is null ? null : DeviceCounters.Read(ProcFile.Read("/proc/diskstats", buffer), device);
        metrics.Counter("xlive_disk_reads_total", "Reads of the device that data.dir is on, by all programs.", counters?.Reads);
        metrics.Counter("xlive_disk_read_bytes_total", "Their bytes.", counters?.ReadBytes);
        metrics.Counter("xlive_disk_writes_total", "Writes to it.", counters?.Writes);
        metrics.Counter("xlive_disk_written_bytes_total", "Their bytes.", counters?.WrittenBytes);
        metrics.Counter("xlive_disk_busy_seconds_total", "Time in which it had something to do.", counters?.BusySeconds);
    }
}
