using System.Runtime.InteropServices;
using XLive.Media.Hls;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// Memory for whole blocks, two to a huge page of 2 MiB. Its pages are sent as they are and may lie in queues for minutes: nothing is written into them
/// again. They are given up, and the kernel puts others in their place when the next bytes come. For a whole huge page that costs a thirtieth of what 512 small ones do (25 and
/// 500 microseconds a mebibyte), so halves wait for each other; only beyond a bound one goes alone.
/// </summary>
/// <param name="mostWaiting">Halves that nobody uses and that keep their memory: by so much may the cache be larger than its budget says.</param>
internal sealed unsafe partial class BlockPages(int mostWaiting)
{
    private const int HugePage = 2 * Block.Size;

    // Address space, taken at once: memory is only what was written to.
    private const int PagesAtOnce = 32;

    private const int HugePages = 14;

    private readonly Lock _gate = new();
    private readonly Queue<Half> _clean = new();
    private readonly LinkedList<Half> _waiting = new();

    /// <summary>Bytes of blocks that are gone and whose memory is still held.</summary>
    public long Waiting
    {
        get
        {
            lock (_gate)
                return (long)_waiting.Count * Block.Size;
        }
    }

    public Half Take()
    {
        lock (_gate)
        {
            if (_clean.Count == 0)
                Add();
            var half = _clean.Dequeue();
            half.IsUsed = true;
            return half;
        }
    }

    public void GiveBack(Half half)
    {
        lock (_gate)
        {
            half.IsUsed = false;
            var other = half.Other;
            if (!other.IsUsed)
            {
                PageMemory.Renew((nint)(half.IsSecond ? other.Bytes : half.Bytes), HugePage);
                _clean.Enqueue(half);
                if (other.Waits is { } place)
                {
                    _waiting.Remove(place);
                    other.Waits = null;
                    _clean.Enqueue(other);
                }
                return;
            }
            half.Waits = _waiting.AddLast(half);
            if (_waiting.Count <= mostWaiting)
                return;
            var oldest = _waiting.First!.Value;
            _waiting.RemoveFirst();
            oldest.Waits = null;
            PageMemory.Renew((nint)oldest.Bytes, Block.Size);
            _clean.Enqueue(oldest);
        }
    }

    private void Add()
    {
        var bytes = (byte*)NativeMemory.AlignedAlloc((nuint)PagesAtOnce * HugePage, HugePage);
        // Where the machine has none the pages are small, and all else is the same.
        _ = madvise(bytes, (nuint)PagesAtOnce * HugePage, HugePages);
        for (var i = 0; i < PagesAtOnce; i++, bytes += HugePage)
        {
            var (first, second) = (new Half(bytes, false), new Half(bytes + Block.Size, true));
            (first.Other, second.Other) = (second, first);
            _clean.Enqueue(first);
            _clean.Enqueue(second);
        }
    }

    /// <summary>Room for one block.</summary>
    internal sealed class Half(byte* bytes, bool isSecond)
    {
        public readonly byte* Bytes = bytes;
        public readonly bool IsSecond = isSecond;
        public Half Other = null!;
        public bool IsUsed;
        public LinkedListNode<Half>? Waits;
    }

    [LibraryImport("libc")]
    private static partial int madvise(void* address, nuint length, int advice);
}
