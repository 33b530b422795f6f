using System.Runtime.InteropServices;

namespace XLive.Server.Sending;

/// <summary>Outputs that may go on in so many milliseconds, because their viewer's rate says so: the thread that waits for room waits for them too.</summary>
internal sealed unsafe partial class WritableWaiter
{
    // No output has it: slots begin at 0 and generations at 1.
    private const ulong NewsOfPaced = 0;

    private readonly PriorityQueue<SocketOutput, long> _paced = new();
    private readonly int _news;

    /// <summary>Viewers whom their rate holds back now.</summary>
    public int Paced
    {
        get { lock (_paced) return _paced.Count; }
    }

    internal void WakeIn(SocketOutput output, int milliseconds)
    {
        var due = Environment.TickCount64 + milliseconds;
        bool isNext;
        lock (_paced)
        {
            if (output.IsPaced)
                return;
            output.IsPaced = true;
            isNext = !_paced.TryPeek(out _, out var next) || due < next;
            _paced.Enqueue(output, due);
        }
        if (!isNext)
            return;
        var one = 1L;
        _ = Native.write(_news, &one, sizeof(long));
    }

    private int UntilPaced(int most)
    {
        lock (_paced)
            return _paced.TryPeek(out _, out var due) ? (int)Math.Clamp(due - Environment.TickCount64, 0, most) : most;
    }

    private SocketOutput? NextPaced()
    {
        lock (_paced)
        {
            if (!_paced.TryPeek(out var output, out var due) || due > Environment.TickCount64)
                return null;
            _paced.Dequeue();
            output.IsPaced = false;
            return output;
        }
    }

    private void WatchNews()
    {
        if (_news < 0)
            throw new InvalidOperationException("eventfd: error " + Marshal.GetLastPInvokeError());
        // Edge-triggered: what is written need not be read.
        var events = Native.EpollIn | Native.EpollEdge;
        var packed = new Native.EpollEventPacked { Events = events, Data = NewsOfPaced };
        var padded = new Native.EpollEventPadded { Events = events, Data = NewsOfPaced };
        using var handle = new Microsoft.Win32.SafeHandles.SafeFileHandle(_news, ownsHandle: false);
        _ = Native.epoll_ctl(_epoll, Native.EpollAdd, handle, RuntimeInformation.ProcessArchitecture == Architecture.X64 ? &packed : &padded);
    }
}
