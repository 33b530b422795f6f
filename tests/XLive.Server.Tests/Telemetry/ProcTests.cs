using System.Text;
using XLive.Server.Telemetry;

namespace XLive.Server.Tests.Telemetry;

/// <summary>What the kernel tells in /proc: right where it is as its manual says, and nothing where it is not.</summary>
public sealed class ProcTests
{
    private const string Dev = """
        Inter-|   Receive                                                |  Transmit
         face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
            lo: 1367993444605 118785549    0  881    0     0          0         0 1367993444605 118785549    0    0    0     0       0          0
          eth0:1000 20 3 4 0 0 0 0 5000 60 7 8 0 0 0 0
          ifb0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
        br-a"b: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1
         short: 1 2 3
          word: 1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16
        """;

    [Fact]
    public void Interfaces_with_what_went_through_them()
    {
        var all = NetworkCounters.Read(Bytes(Dev));
        Assert.Equal(["lo", "eth0"], all.Select(static i => i.Name));
        Assert.Equal(new InterfaceCounters("eth0", 1000, 20, 3, 4, 5000, 60, 7, 8), all[1]);
        Assert.Equal(881, all[0].ReceiveDrops);
    }

    [Fact]
    public void A_machine_of_a_thousand_containers_has_sixteen()
    {
        var text = string.Concat(Enumerable.Range(0, 1000).Select(static i => $"veth{i}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n"));
        Assert.Equal(NetworkCounters.Most, NetworkCounters.Read(Bytes(text)).Count);
    }

    [Theory]
    [InlineData("Tcp: ", "RetransSegs", 12L)]
    [InlineData("Tcp: ", "OutSegs", 100L)]
    [InlineData("Tcp: ", "MaxConn", null)] // -1
    [InlineData("Tcp: ", "Nothing", null)]
    [InlineData("Udp: ", "NoPorts", 3L)]
    [InlineData("Udp: ", "More", null)] // a name without a number
    [InlineData("Alone: ", "A", null)]
    public void Pairs_of_lines(string table, string name, long? value)
    {
        const string Snmp = "Ip: Forwarding\nIp: 2\nTcp: MaxConn OutSegs RetransSegs\nTcp: -1 100 12\nUdp: In NoPorts More\nUdp: 7 3\nAlone: A\n";
        Assert.Equal(value, NetworkCounters.Pair(Bytes(Snmp), Bytes(table), Bytes(name)));
        Assert.Null(NetworkCounters.Pair(default, Bytes(table), Bytes(name)));
    }

    [Theory]
    [InlineData("/srv/films/data", "8:17")] // the nearest above it
    [InlineData("/srv/filmsdata", "254:0")] // whose name begins alike is no folder above it
    [InlineData("/srv/films", "8:17")]
    [InlineData("/var/my data/x", "8:33")]
    [InlineData("/mnt/nfs/x", null)]
    [InlineData("/over/x", "8:1")] // the later of two lies on top
    public void The_device_of_a_folder(string folder, string? device)
    {
        const string Mounts = "27 1 254:0 / / rw - ext4 /dev/vda rw\n30 27 8:17 / /srv/films rw - ext4 /dev/sdb1 rw\n31 27 0:40 / /mnt/nfs rw - nfs4 s:/x rw\n"
            + "32 27 8:33 / /var/my\\040data rw - xfs /dev/sdc1 rw\n33 27 0:50 / /over rw - tmpfs t rw\n34 27 8:1 / /over rw - ext4 /dev/sda1 rw\nbroken\n\n";
        Assert.Equal(device, DeviceCounters.DeviceOf(folder, Bytes(Mounts)));
        Assert.Null(DeviceCounters.DeviceOf(folder, default));
    }

    [Fact]
    public void What_a_device_did()
    {
        const string Stats = "   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0\n 254       0 vda 10 1 2000 30 40 5 6000 70 1 8000 90 0 0 0 0 0 0\n 254       1 vda1 1 2 3\n";
        Assert.Equal(new DeviceCounters(10, 2000 * 512, 40, 6000 * 512, 8), DeviceCounters.Read(Bytes(Stats), "254:0"));
        Assert.Null(DeviceCounters.Read(Bytes(Stats), "254:1"));
        Assert.Null(DeviceCounters.Read(Bytes(Stats), "8:0"));
        Assert.Null(DeviceCounters.Read(default, "8:0"));
    }

    [Fact]
    public void A_file_that_is_not_there_is_empty_and_one_that_is_too_long_ends_with_a_line()
    {
        Assert.True(ProcFile.Read("/proc/none/such", new byte[100]).IsEmpty);
        Assert.True(ProcFile.Read("/proc", new byte[100]).IsEmpty);
        var cut = ProcFile.Read("/proc/self/status", new byte[100]);
        Assert.InRange(cut.Length, 1, 100);
        Assert.Equal((byte)'\n', cut[^1]);
        Assert.StartsWith("Name:", Encoding.ASCII.GetString(cut), StringComparison.Ordinal);
    }

    [Fact]
    public void Noise_is_no_figure_and_no_fault()
    {
        var random = new Random(20260301);
        for (var i = 0; i < 2000; i++)
        {
            var noise = new byte[random.Next(400)];
            random.NextBytes(noise);
            for (var at = 0; at < noise.Length; at++)
            {
                // Mostly what these files are made of.
                if (random.Next(8) > 0)
                    noise[at] = (byte)"0123456789 :\n\tTcp-"[random.Next(18)];
            }
            NetworkCounters.Read(noise);
            NetworkCounters.Pair(noise, "Tcp: "u8, "OutSegs"u8);
            DeviceCounters.DeviceOf("/x/y", noise);
            DeviceCounters.Read(noise, "1:2");
        }
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);
}
