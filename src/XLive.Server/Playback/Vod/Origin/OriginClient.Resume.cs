namespace XLive.Server.Playback.Vod.Origin;

/// <summary>
/// A body that broke off goes on at that byte, from whichever origin has the very same version: a Range with If-Range on the strong tag
/// (RFC 9110, 13.1.5). What the rest is held against is the head that the reader has seen.
/// </summary>
internal sealed partial class OriginClient
{
    /// <summary>Tries without <see cref="OriginReply.Progress"/>; the time without a byte is backend.idle_timeout.</summary>
    public const int MostResumes = 20;

    /// <summary>Where an origin knows no ranges, so much is read once more to come to the byte. Beyond that it would cost more than it mends.</summary>
    private const long MostSkipped = 64 << 20;

    /// <param name="at">The next byte wanted.</param>
    /// <param name="end">The first one not wanted; -1: to the end, wherever that is.</param>
    /// <param name="tries">Left; counted down.</param>
    public async Task<OriginAnswer> ResumeAsync(OriginReply reply, OriginServer from, long at, long end, int tries, Action<int> tried,
        OriginException why, CancellationToken cancel)
    {
        var request = reply.Request with { IfNoneMatch = null, IfModifiedSince = null };
        var asking = new Asking(request, at, end < 0 ? -1 : end - 1, reply.StrongTag);
        var patience = _options().IdleTimeout;
        var began = _clock.GetTimestamp();
        var pause = Jittered();
        var last = why;
        // Another is asked at once; who broke off may just have gone.
        uint asked = from.Bit, unfit = 0;
        while (tries > 0)
        {
            var server = Choose(asked, unfit);
            if (server is null && Bits(unfit) == _servers.Length)
                throw last;
            if (server is null || (asked & server.Bit) != 0)
            {
                await Task.Delay(pause, _clock, cancel);
                pause = pause * 2 < TimeSpan.FromSeconds(1) ? pause * 2 : TimeSpan.FromSeconds(1);
            }
            var rest = patience - _clock.GetElapsedTime(began);
            if (rest <= TimeSpan.Zero)
                break;
            if (server is null)
                continue;
            asked |= server.Bit;
            tries--;
            tried(tries);
            OriginAnswer? answer = null;
            try
            {
                answer = await server.AskAsync(asking, rest, cancel);
                if (Continues(answer.Head, reply, at, end))
                {
                    if (answer.Head.First < at)
                        await answer.SkipAsync(at - answer.Head.First, cancel);
                    server.Stats.Resumed();
                    (var mended, answer) = (answer, null);
                    return mended;
                }
                // An outage may pass, a version that is gone does not come back.
                if (answer.Head.Status is >= 500 or 429)
                {
                    last = new OriginException(OriginFault.BrokenOff, $"{server.Name} answered {answer.Head.Status} for the rest");
                    continue;
                }
                unfit |= server.Bit;
                last = new OriginException(OriginFault.Changed, $"{server.Name} has not the version any more that broke off");
            }
            catch (OriginException e)
            {
                last = e;
                if (e.Fault == OriginFault.Changed)
                    unfit |= server.Bit;
            }
            finally
            {
                answer?.Dispose();
            }
        }
        throw last.Fault == OriginFault.Changed ? last : new OriginException(OriginFault.BrokenOff, why.Message + "; the rest could not be had: " + last.Message);
    }

    private static bool Continues(AnswerHead rest, OriginReply whole, long at, long end) => rest.Status switch
    {
        206 => rest.StrongTag == whole.StrongTag && rest.First == at && (whole.Total < 0 || rest.Total < 0 || rest.Total == whole.Total)
            && (end < 0 || rest.First + rest.Length == end),
        200 => rest.StrongTag == whole.StrongTag && (whole.Total < 0 || rest.Total == whole.Total) && at <= MostSkipped,
        _ => false,
    };

    private static int Bits(uint set) => System.Numerics.BitOperations.PopCount(set);
}
