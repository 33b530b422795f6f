namespace XLive.Server.Sending;

/// <summary>
/// What several connections to one address know together of the way there. Alone each takes a lost packet for bad luck (BBR) or for a full queue (cubic).
///
/// A crowd: none can send less than a window of one segment, and a hundred of those are more than a narrow link and its queue hold. Measured at 300 ms, 5 % and
/// 1 Mbit/s with a hundred downloads: of all segments 94 % are sent again with BBR, 67 % with cubic, and a part of them arrives twice. So who shares a path of which
/// a third is sent again shares a rate, half above what arrives: after half a minute 21 to 35 % there, and more arrives than with either (0.97 Mbit/s; 0.92 with cubic).
///
/// A few: ten connections of BBR send each other's packets out of the queue (17 % at 100 ms, 1 % and 10 Mbit/s), rest together for a fifth of a second in ten, and starve
/// whoever has cubic. Where cubic would fill the link too it is better (9.55 Mbit/s of 9.41, 1.4 % again). Whether it would depends on the loss that is the link's own: they
/// hold back until the queue is empty, and what is lost then is that.
/// </summary>
internal sealed class SharedPath
{
    public const uint Unpaced = uint.MaxValue;

    // Fewer have room for a window each.
    internal const int Few = 4;

    // Seconds of each look, and segments that make a share no accident.
    internal const int Window = 3;
    private const int Least = 40;

    private const double Third = 1.0 / 3, Tenth = 0.1;

    // So much above what arrived in one of the last looks: the link stays full, and one that grew is found. With 1.25 it was not always full.
    private const double Above = 1.5;

    // What a connection of BBR that may send so much really sends leaves the queue empty: 0.9 of the link. Two looks of 1.5 % at 10 Mbit/s are 75 losses, a window that is known to 6 %.
    private const double Listening = 1.1, Filled = 0.95;
    private const int Listens = 3;

    // At 150 ms and 1.5 % cubic fills 0.75 of what ten could have, by the same reckoning 0.85; at 100 ms and 1 % all of it, 1.2; at 500 ms, 5 % and 1 Mbit/s all of it
    // too, where six seconds are 25 losses and the reckoning is 10 % wrong either way.
    private const double Enough = 0.95;
    private const int Remembered = 4;

    // A remedy that costs a fifth of what arrived without it is the wrong one: the loss is the link's own. A minute without, then longer.
    private const double Worth = 0.8;
    private const int FirstPause = 60 / Window, LongestPause = 480 / Window;

    private readonly double[] _delivered = new double[Remembered];
    private PathSums _sums;
    private int _looks, _crowded, _lossy, _listening, _poor, _clear, _pause, _lastPause;
    private double _beforePace, _beforeCubic, _link, _ownLoss, _heard, _heardAgain;

    /// <summary>Connections that had to wait for room at least once, and are open.</summary>
    public int Members { get; set; }

    /// <summary>They share a rate.</summary>
    public bool IsPaced => _beforePace > 0;

    /// <summary>Cubic fills it: nobody needs BBR.</summary>
    public bool IsForCubic => _beforeCubic > 0;

    /// <summary>Bytes a second that each connection may send.</summary>
    public uint Pace { get; private set; } = Unpaced;

    /// <summary>What one connection did since the last judgement.</summary>
    /// <param name="isBusy">It has more to send.</param>
    public void Add(in PathCounts before, in PathCounts now, bool isBusy) => _sums.Add(before, now, isBusy);

    /// <summary>With the counts of all. True: it has just been found crowded.</summary>
    /// <param name="mayChange">The kernel lets connections go from BBR to cubic and back.</param>
    public bool Judge(double seconds, bool mayChange)
    {
        var look = _sums;
        _sums = default;
        if (look.Busy < Few)
        {
            Free();
            _beforeCubic = 0;
            return false;
        }
        if (look.Segments < Least)
            return false;
        var delivered = look.Acknowledged / seconds;
        _delivered[_looks++ % Remembered] = delivered;
        if (_pause > 0)
            _pause--;
        if (_listening > 0)
        {
            Listen(look, delivered);
            return false;
        }
        if (IsPoor(look, delivered))
            return false;
        var isCrowded = look.Share > Third;
        _crowded = isCrowded ? _crowded + 1 : 0;
        _lossy = look.Share > Tenth ? _lossy + 1 : 0;
        if (IsPaced)
        {
            _clear = look.Share < Tenth ? _clear + 1 : 0;
            if (_clear == Remembered)
                Free();
            else
                Share(look.Busy);
        }
        else if (_crowded >= 2 && _pause == 0)
        {
            // Once may be the search for the link's rate with which BBR begins. The lower of both: at the crowd's beginning much that waited in the queue arrives at once.
            _beforePace = Math.Min(Delivered(1), Delivered(2));
            _clear = 0;
            Share(look.Busy);
            return true;
        }
        if (mayChange && !IsForCubic && !isCrowded && _lossy >= 2 && _pause == 0 && HaveWindows(look))
        {
            _listening = Listens;
            SetPace(_link * Listening / look.Busy);
        }
        return false;
    }

    /// <summary>Of those who have less than two segments a round trip each, cubic sends a half again: a crowd, whom a rate helps better.</summary>
    private bool HaveWindows(in PathSums look)
    {
        _link = (Delivered(1) + Delivered(2)) / 2;
        return _link >= 2 * look.PerRoundTrip;
    }

    /// <summary>The remedy does harm, and is left for a while.</summary>
    private bool IsPoor(in PathSums look, double delivered)
    {
        if (!IsPaced && !IsForCubic)
            return false;
        // Of those who were many enough for cubic some may have gone.
        var tooFew = IsForCubic && look.CubicBytes(_ownLoss) < delivered;
        _poor = tooFew || delivered < Worth * (IsPaced ? _beforePace : _beforeCubic) ? _poor + 1 : 0;
        if (_poor < 2)
            return false;
        Free();
        _beforeCubic = 0;
        _pause = _lastPause = Math.Clamp(_lastPause * 2, FirstPause, LongestPause);
        return true;
    }

    /// <summary>The first look sees what the queue lost before, the others what the link loses by itself.</summary>
    private void Listen(in PathSums look, double delivered)
    {
        _listening--;
        if (_listening == Listens - 1)
            (_heard, _heardAgain) = (0, 0);
        else
            (_heard, _heardAgain, _link) = (_heard + look.Segments, _heardAgain + look.Share * look.Segments, Math.Max(_link, delivered / Filled));
        if (_listening > 0)
            return;
        _ownLoss = _heardAgain / _heard;
        if (look.CubicBytes(_ownLoss) >= Enough * _link)
        {
            Free();
            _beforeCubic = _link;
            return;
        }
        _pause = _lastPause = Math.Clamp(_lastPause * 2, FirstPause, LongestPause);
        if (IsPaced)
            Share(look.Busy);
        else
            Free();
    }

    private double Delivered(int ago) => _delivered[(_looks - ago) % Remembered];

    private void Share(int busy)
    {
        var most = _delivered[0];
        for (var i = 1; i < Remembered; i++)
            most = Math.Max(most, _delivered[i]);
        SetPace(most * Above / busy);
    }

    private void SetPace(double pace)
    {
        // A change is a call for each of them.
        if (Pace == Unpaced || Math.Abs(pace - Pace) > Pace / 16.0)
            Pace = (uint)Math.Clamp(pace, 500, Unpaced - 1);
    }

    private void Free()
    {
        (_beforePace, _crowded, _lossy, _listening, _poor, _clear) = (0, 0, 0, 0, 0, 0);
        Array.Clear(_delivered);
        Pace = Unpaced;
    }
}
