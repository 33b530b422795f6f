namespace XLive.Server.Telemetry;

/// <summary>
/// Whole lines on their way to something slow. Any number of writers add to one byte array under a lock held for a copy; one
/// thread of its own swaps it for an empty one and hands it on. A writer never waits: with the array full, its line is dropped and
/// counted. A queue of strings (Serilog's async sink, a Channel) was not taken, since it allocates for every request.
/// Invariant: at most 2 x capacity bytes are held; <see cref="_filled"/> ends with a line end.
/// </summary>
internal sealed class LineBuffer : IDisposable
{
    private static readonly TimeSpan s_longestStay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_lastTry = TimeSpan.FromSeconds(5);

    /// <summary>Takes bytes from the front and says how many; fewer than given means "not now, ask again".</summary>
    public delegate int Taker(ReadOnlySpan<byte> lines);

    private readonly int _capacity;
    private readonly Taker _taker;
    private readonly SupervisedLoop _loop;
    private Thread? _thread;
    private readonly object _gate = new(); // a monitor: the thread waits on it, which System.Threading.Lock cannot

    // Under the gate.
    private byte[] _filling = new byte[4096];
    private int _filled;
    private bool _closing;
    private bool _hurry;
    private bool _ended;
    private long _asked;
    private long _done;

    // Used only by the thread.
    private byte[] _emptying = new byte[4096];

    private long _dropped;

    public LineBuffer(string name, int capacity, Taker taker, Supervisor? supervisor = null)
    {
        _capacity = capacity;
        _taker = taker;
        _loop = (supervisor ?? new Supervisor(TimeProvider.System)).OnThread("log " + name, 256 << 10, Run);
    }

    public long Dropped => Interlocked.Read(ref _dropped);

    public void Add(ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            if (_filled + line.Length > _capacity || _closing)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }
            if (_filled + line.Length > _filling.Length)
            {
                Array.Resize(ref _filling, Math.Min(_capacity, Math.Max(2 * _filling.Length, _filled + line.Length)));
            }
            line.CopyTo(_filling.AsSpan(_filled));
            bool wasEmpty = _filled == 0;
            bool wasHalf = _filled >= _capacity / 2;
            _filled += line.Length;
            if (wasEmpty || (!wasHalf && _filled >= _capacity / 2))
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    /// <summary>Waits until what was added before is handed on; false when it took too long.</summary>
    public bool Flush(TimeSpan patience)
    {
        long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        lock (_gate)
        {
            long mine = ++_asked;
            _hurry = true;
            Monitor.PulseAll(_gate);
            while (_done < mine)
            {
                long left = until - Environment.TickCount64;
                if (left <= 0 || _ended)
                {
                    return _done >= mine;
                }
                Monitor.Wait(_gate, (int)left);
            }
            return true;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closing = true;
            Monitor.PulseAll(_gate);
        }
        if (Thread.CurrentThread != _thread)
        {
            WaitForEnd(s_lastTry + s_longestStay);
        }
        _loop.Dispose();
    }

    private void WaitForEnd(TimeSpan patience)
    {
        long until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        lock (_gate)
        {
            while (!_ended && until - Environment.TickCount64 is > 0 and var left)
            {
                Monitor.Wait(_gate, (int)left);
            }
        }
    }

    private void Run(SupervisedLoop loop)
    {
        _thread = Thread.CurrentThread;
        while (true)
        {
            int count;
            long asked;
            bool closing;
            lock (_gate)
            {
                loop.Rest();
                while (_filled == 0 && !_closing && !_hurry)
                {
                    Monitor.Wait(_gate);
                }
                loop.Beat();
                // Wait once more, for company: a write a line would cost more than the line.
                if (_filled < _capacity / 2 && !_closing && !_hurry)
                {
                    Monitor.Wait(_gate, s_longestStay);
                }
                (_filling, _emptying) = (_emptying, _filling);
                (count, _filled) = (_filled, 0);
                _hurry = false;
                asked = _asked;
                closing = _closing;
            }
            HandOn(_emptying.AsSpan(0, count), closing);
            lock (_gate)
            {
                _done = asked;
                Monitor.PulseAll(_gate);
                if (closing)
                {
                    _ended = true;
                    return;
                }
            }
        }
    }

    private void HandOn(ReadOnlySpan<byte> lines, bool closing)
    {
        long giveUp = closing ? Environment.TickCount64 : long.MaxValue;
        while (lines.Length > 0)
        {
            int taken = 0;
            try
            {
                taken = _taker(lines);
            }
            catch (Exception)
            {
                // A log that fails must not take the server with it; the taker has counted what it knows.
            }
            lines = lines[taken..];
            if (lines.Length == 0)
            {
                return;
            }
            lock (_gate)
            {
                if (!_closing)
                {
                    Monitor.Wait(_gate, s_retry);
                }
                if (_closing && giveUp == long.MaxValue)
                {
                    giveUp = Environment.TickCount64; // one more try after the word to close, then the rest is lost and counted
                    continue;
                }
            }
            if (Environment.TickCount64 >= giveUp)
            {
                Interlocked.Add(ref _dropped, lines.Count((byte)'\n'));
                return;
            }
        }
    }
}
