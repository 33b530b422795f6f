using XLive.Server.Sending;

namespace XLive.Server.Live;

/// <summary>A viewer whom his shard sends to. All of it is done by the shard's thread, but for the words that others leave.</summary>
internal sealed class Watcher
{
    private readonly Cursor _cursor;
    private readonly PieceSender _sender;
    private readonly Action _told;
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private BodyPiece _piece;
    private State _state;
    private bool _isLate;
    private volatile bool _isTold;
    private bool _hasLeft;

    /// <summary>In the last two he waits to be told.</summary>
    private enum State { Reads, HasPiece, WantsTurn, Sends }

    public Watcher(Cursor cursor, PieceSender sender, Party party)
    {
        (_cursor, _sender, Party) = (cursor, sender, party);
        _told = () =>
        {
            _isTold = true;
            Party.Shard.Wake(this);
        };
    }

    public Party Party { get; }

    /// <summary>His place among the party, or -1.</summary>
    public int Place { get; set; } = -1;

    /// <summary>Used by the shard, under its lock.</summary>
    public bool IsWoken { get; set; }

    /// <summary>Completes when nothing more will be sent.</summary>
    public Task Ended => _ended.Task;

    /// <summary>By his connection: he has gone, or wants it otherwise. From here on nothing is begun for him.</summary>
    public void Leave()
    {
        lock (_gate)
            _hasLeft = true;
        Party.Shard.Wake(this);
    }

    private bool MayGoOn => !_hasLeft && _sender.End == SendEnd.Done && !_sender.IsStopped;

    /// <summary>Sends what has come, unless what came before is still under way. False: it was the last.</summary>
    public bool Turn()
    {
        lock (_gate)
            return GoOn();
    }

    private bool GoOn()
    {
        var hasTurn = false;
        if (_state is State.WantsTurn or State.Sends)
        {
            if (!_isTold)
                return true;
            _isTold = false;
            hasTurn = _state == State.WantsTurn;
            if (_state == State.Sends)
                Taken();
            else
                _state = State.HasPiece;
        }
        while (MayGoOn)
        {
            // Before the look: after the end nothing comes.
            var isOver = _cursor.IsOver;
            if (_state == State.Reads && !Read())
                return !isOver && _cursor.NotTaken is null;
            if (_state == State.Reads)
                continue;
            if (!hasTurn && !_sender.TryBegin())
                return WaitAs(State.WantsTurn);
            hasTurn = false;
            if (!_sender.Send(_piece))
                return WaitAs(State.Sends);
            _isLate = false;
            Release();
        }
        if (hasTurn)
            _sender.Leave();
        if (_state == State.HasPiece)
            Release();
        return false;
    }

    /// <summary>False: nothing has come.</summary>
    private bool Read()
    {
        if (!_cursor.TryRead(_isLate ? Cursor.MostOfSlow : Cursor.MostAtOnce, out _piece))
            return false;
        _state = State.HasPiece;
        if (_piece.Bytes.IsEmpty)
            Release();
        return true;
    }

    private bool WaitAs(State state)
    {
        _state = state;
        if (state == State.WantsTurn)
        {
            _sender.WhenBegun(_told);
            return true;
        }
        _isLate = true;
        _sender.WhenTaken(_told);
        return true;
    }

    private void Taken()
    {
        _sender.Taken();
        Release();
    }

    private void Release()
    {
        _state = State.Reads;
        _piece.Owner.Release();
        _piece = default;
    }

    /// <summary>Now and then, for one to whom nothing is sent: he may have been told to go.</summary>
    public bool MustGo => _state == State.Reads && _sender.IsStopped;

    public void End() => _ended.TrySetResult();

    public void Fail(Exception e)
    {
        _sender.Cut(SendEnd.SourceFailed);
        _ended.TrySetException(e);
    }
}
