using System.IO.Pipelines;
using System.Threading.Tasks.Sources;
using XLive.Server.Traffic;

namespace XLive.Server.Sending;

/// <summary>The waits between the calls: who has the send in hand, and what <see cref="WritableWaiter"/> keeps of it meanwhile.</summary>
internal sealed partial class SocketOutput
{
    private ManualResetValueTaskSourceCore<FlushResult> _flush;
    private bool _bodyUnderWay; // Used by the writer: Kestrel's flush is over, the body's send is not.
    private int _carrying = 1; // 0 only while the waiter may wake it
    private int _lookAgain;    // somebody had news while the send was in another's hands
    private int _flushState;
    private int _pause;
    private bool _wantsRoom;
    private Meter? _roomFor;

    private const int NoFlush = 0, FlushPending = 1, CompletedWhilePending = 2;

    // Used by the waiter.
    internal int Slot = -1;
    internal int LastQueued;
    internal long LastProgress;
    internal long FullSince;
    internal SendableFile? CountedFile;
    internal long Counted;
    internal long QueueMoved;
    internal bool IsPaced;
    internal SharedPath? Path;
    internal PathCounts? PathCounts;
    internal uint Pace = SharedPath.Unpaced;
    internal bool HasCubic;

    /// <summary>Its other end is on this machine or next to it, whatever may lie behind that.</summary>
    internal bool IsNear;

    /// <summary>What is announced lies between frames of its body: small ones, one a piece.</summary>
    internal bool IsFramed;

    /// <summary>By the output above: whose stop ends what this one sends.</summary>
    public Meter? Payer { get; set; }

    /// <summary>It goes on only to find that it may not.</summary>
    internal bool IsStopped => (Payer ?? Meter ?? _roomFor) is { IsStopped: true };

    /// <summary>Leaves the send to whoever has room or a thread for it. False: there is room again already, and it goes on here.</summary>
    private bool Wait(Step step)
    {
        if (step is Step.NeedsLane)
        {
            Body.File!.Lane.Enqueue(this);
            return true;
        }
        if (step is Step.Paced)
        {
            _waiter.WakeIn(this, _pause);
        }
        else
        {
            _waiter.Watch(this);
        }
        Volatile.Write(ref _carrying, 0);
        // News that came between the full socket and this line was told to nobody: the edge comes once.
        return Interlocked.Exchange(ref _lookAgain, 0) == 0 || Interlocked.Exchange(ref _carrying, 1) != 0;
    }

    /// <summary>By the waiter, on its own thread: there is room. Sends what it can; only a cold file goes elsewhere.</summary>
    internal void Continue()
    {
        // Noted before the attempt: whoever has the send in hand either lets go before it, or reads the note after it.
        Interlocked.Exchange(ref _lookAgain, 1);
        if (Interlocked.Exchange(ref _carrying, 1) == 0)
            Carry(onLane: false);
    }

    /// <summary>By anybody: look again, on a pool thread.</summary>
    internal void Wake()
    {
        Interlocked.Exchange(ref _lookAgain, 1);
        if (Interlocked.Exchange(ref _carrying, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>By the waiter: the viewer's TCP took nothing for too long, or he may have no more.</summary>
    internal bool GiveUp(SendEnd end)
    {
        if (Interlocked.Exchange(ref _carrying, 1) != 0)
            return false;
        Stop(end);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return true;
    }

    // A half-closed viewer still reads: the send is tried again, and if the socket is only full it waits on.
    private void WakeToLook() => Wake();

    public override void CancelPendingFlush() => WakeToLook();

    internal bool IsWaiting => Volatile.Read(ref _carrying) == 0;

    void IThreadPoolWorkItem.Execute() => Carry(onLane: false);

    void IFileWork.Run() => Carry(onLane: true);

    void IFileWork.Failed() => Fail();

    /// <summary>A fault of ours in the midst of a send: what was sent is not known, so the connection ends, and whoever waits hears of it.</summary>
    internal void Fail()
    {
        Stop(SendEnd.SourceFailed);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Carry(bool onLane)
    {
        // What was noted up to here this very look sees.
        Interlocked.Exchange(ref _lookAgain, 0);
        while (true)
        {
            if (Volatile.Read(ref _flushState) == CompletedWhilePending && End == SendEnd.Done)
                Stop(SendEnd.ViewerLeft);
            var step = End == SendEnd.Done ? Push(onLane) : Step.Finished;
            if (step is Step.Finished)
            {
                // Before the result: the writer may flush again on this very thread.
                _flush.SetResult(Finish());
                return;
            }
            if (Wait(step))
                return;
        }
    }

    private FlushResult Finish()
    {
        Forget();
        if (Interlocked.Exchange(ref _flushState, NoFlush) == CompletedWhilePending)
            Close();
        return new FlushResult(false, End != SendEnd.Done);
    }
}
