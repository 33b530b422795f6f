using XLive.Server.Storage;

namespace XLive.Server.Hooks;

// A post, and what comes of it.
public sealed partial class HookSender
{
    private void Begin(HookLanes.Lane lane, HookOptions options, long now)
    {
        SpooledEvent? e;
        try
        {
            e = _spool!.Find(lane.Head);
        }
        catch (DatabaseException)
        {
            _lanes.Again(lane, now);
            throw;
        }
        if (e is null)
            _lanes.Done(lane);
        else
            _ = PostAsync(lane, e, options);
    }

    private async Task PostAsync(HookLanes.Lane lane, SpooledEvent e, HookOptions options)
    {
        HookReply reply;
        try
        {
            reply = await _post.SendAsync(e.Id, e.Event, e.Body, options, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return; // the end: it lies in the spool
        }
        lock (_gate)
            _done.Add((lane, e, reply));
        Wake();
    }

    /// <summary>What came of the posts: in the spool first, then here.</summary>
    private void Settle()
    {
        (HookLanes.Lane Lane, SpooledEvent Event, HookReply Reply)[] done;
        lock (_gate)
            done = [.. _done];
        if (done.Length == 0)
            return;
        var now = _clock.GetUtcNow();
        string? unheard = null;
        var givenUp = 0;
        _spool!.Transaction(() =>
        {
            givenUp = 0;
            foreach (var (_, e, reply) in done)
            {
                if (IsTaken(reply))
                    _spool.Taken(e);
                else
                {
                    var dead = IsRefused(reply) || now - e.Made >= Patience;
                    _spool.Failed(e.Sequence, reply.Said, dead ? reply.Said : null);
                    givenUp += dead ? 1 : 0;
                    unheard = reply.IsHeard ? unheard : reply.Said;
                }
            }
            // Nobody answers, and others are as old: each would have its turn only to be given up.
            if (unheard is not null)
                givenUp += _spool.GiveUp(now - Patience, unheard);
        });
        lock (_gate)
            _done.RemoveRange(0, done.Length);
        foreach (var (lane, e, reply) in done)
        {
            if (IsTaken(reply))
                Interlocked.Increment(ref _delivered);
            else
                Failed(lane, e, reply);
            if (IsTaken(reply) || IsRefused(reply))
                _lanes.Done(lane);
        }
        if (givenUp == 0)
            return;
        Interlocked.Add(ref _givenUp, givenUp);
        _lanes.Load(_spool.Waiting());
        Dead = _spool.CountDead();
    }

    private void Failed(HookLanes.Lane lane, SpooledEvent e, in HookReply reply)
    {
        Interlocked.Increment(ref _failed);
        if (IsRefused(reply))
        {
            LogRefused(e.Event, e.Id, reply.Said);
            return;
        }
        if (reply.IsHeard)
            _endpoint.Rest();
        _lanes.Again(lane, _clock.GetTimestamp() + (long)(lane.Pauses.Next(reply.RetryAfter).TotalSeconds * _clock.TimestampFrequency));
    }

    // 409: it has it from an attempt before.
    private static bool IsTaken(in HookReply reply) => reply.IsYes || reply.Status == 409;

    private static bool IsRefused(in HookReply reply) => reply.Status is 400 or 413 or 415 or 422;
}
