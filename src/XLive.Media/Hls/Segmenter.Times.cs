namespace XLive.Media.Hls;

/// <summary>When a frame is, on the stream's clock; and what is done where that goes no further.</summary>
public sealed partial class Segmenter
{
    private bool TryPlace(SegmenterLane lane, long raw)
    {
        var wasAnchored = lane.IsAnchored;
        if (lane.TryFollow(raw))
            return true;
        if (lane == _audio && (_isOpen ? _video.Carried is not null : _video.IsAnchored))
        {
            var isJoined = lane.TryJoin(raw, _video.Last, _isOpen ? Math.Max(_video.Last, _end) : _video.Last, out var isMoved);
            if (isMoved)
                Warnings |= SegmenterWarnings.ClocksApart;
            return isJoined;
        }
        if (wasAnchored && (!_isOpen || lane.Carried is not null))
        {
            BreakTime();
            (lane == _video ? _audio : _video).LoseTime();
        }
        lane.Anchor(raw);
        return true;
    }

    private void BreakTime()
    {
        Warnings |= SegmenterWarnings.TimeJump;
        if (_isOpen)
            Close(_end, isBroken: true);
        _isBroken = true;
        _hasAnchor = false;
        _waitingSince = long.MaxValue;
    }

    /// <summary>A stream with video begins with a key frame; for too long it is not waited for.</summary>
    private bool MayOpen(in Frame frame, SegmenterLane lane)
    {
        if (_video.Track is null || (lane == _video && frame.IsKey))
            return true;
        if (lane.Last < _waitingSince)
            _waitingSince = lane.Last;
        return lane.Last - _waitingSince > Target * Timestamp.PerSecond;
    }
}
