using System.Buffers;

namespace XLive.Media.Rtmp;

/// <summary>
/// Acknowledges what came (5.4.3): at half of the window, for who waits for one may stop short of a whole window, before a message that would not fit; and though nobody
/// named a window, for some stall without (GStreamer, cameras). The handshake counts as well.
/// </summary>
internal struct ReceiveWindow()
{
    /// <summary>As FMS has it. Senders stall when it is small and the way long.</summary>
    public const int Usual = 2_500_000;

    // A peer that asks for an acknowledgement of every byte would get ten times its own traffic back.
    private const int Smallest = 512;

    private long _received;
    private long _acknowledged;
    private long _size = Usual;

    public void Resize(uint size) => _size = Math.Max(Smallest, (long)size);

    public void Count(int taken) => _received += taken;

    public void Acknowledge(IBufferWriter<byte> output)
    {
        if (_received - _acknowledged < _size / 2)
            return;
        _acknowledged = _received;
        ControlMessages.Acknowledgement(output, (uint)_received);
    }
}
