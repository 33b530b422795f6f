using System.Net;
using System.Net.Sockets;
using System.Text;
using XLive.Server.Door;
using XLive.Server.Tests.Delivery;
using XLive.Server.Tests.Gate;

namespace XLive.Server.Tests.Endurance;

public sealed class PatientServer : SharedServer
{
    protected override string[] Settings => ["--auth.admin_password=waiting-bodies-tests"];
}

/// <summary>Bodies that come later than their heads are waited for in bounded number, and an operator's that comes with it always gets in.</summary>
public sealed class WaitingBodiesTests(PatientServer shared) : IClassFixture<PatientServer>
{
    private const string Whole = "{\"username\":\"admin\",\"password\":\"waiting-bodies-tests\"}";
    private readonly WaitingBodies _bodies = shared.Server.Get<WaitingBodies>();

    [Fact]
    public void A_network_has_its_places_and_the_server_has_its_own()
    {
        var slow = new List<Socket>();
        try
        {
            var refused = _bodies.Refused;
            for (var network = 0; network < WaitingBodies.Most / WaitingBodies.MostOfNetwork; network++)
            {
                for (var i = 0; i < WaitingBodies.MostOfNetwork; i++)
                    slow.Add(Begin($"127.0.{network}.{i + 1}"));
                Until.Equal((network + 1) * WaitingBodies.MostOfNetwork, () => _bodies.Count, "bodies waited for");
                AssertRefused($"127.0.{network}.99");
            }
            AssertRefused("127.0.100.1");
            Assert.Equal(refused + WaitingBodies.Most / WaitingBodies.MostOfNetwork + 1, _bodies.Refused);
            // Those who came with their bodies, and those who wait, are answered as ever.
            Assert.StartsWith("HTTP/1.1 200 ", Answer(Begin("127.0.0.99", Whole)), StringComparison.Ordinal);
            slow[40].Send(Encoding.ASCII.GetBytes(Whole));
            Assert.StartsWith("HTTP/1.1 200 ", Answer(slow[40]), StringComparison.Ordinal);
            Until.Equal(WaitingBodies.Most - 1, () => _bodies.Count, "bodies waited for");
            slow.Add(Begin("127.0.100.1"));
            Until.Equal(WaitingBodies.Most, () => _bodies.Count, "bodies waited for");
        }
        finally
        {
            slow.ForEach(s => s.Dispose());
        }
        Until.Equal(0, () => _bodies.Count, "bodies waited for");
    }

    private void AssertRefused(string from)
    {
        using var one = Begin(from);
        var answer = Answer(one);
        Assert.StartsWith("HTTP/1.1 503 ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", answer, StringComparison.Ordinal);
    }

    private Socket Begin(string from, string body = "")
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)Until.Patience.TotalMilliseconds };
        client.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        client.Connect(new IPEndPoint(IPAddress.Loopback, shared.Server.Port));
        client.Send(Encoding.ASCII.GetBytes(
            $"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {Whole.Length}\r\n\r\n{body}"));
        return client;
    }

    /// <summary>Its head, and whatever came with it.</summary>
    private static string Answer(Socket client)
    {
        var buffer = new byte[4096];
        return Encoding.Latin1.GetString(buffer, 0, client.Receive(buffer));
    }
}
