using System.Threading.Tasks.Sources;
using Microsoft.Win32.SafeHandles;

namespace XLive.Server.Sending;

/// <summary>A read that waits on a lane instead of on the caller's thread; one at a time, used again and again.</summary>
internal sealed class LaneRead : IFileWork, IValueTaskSource<int>
{
    private ManualResetValueTaskSourceCore<int> _done = new() { RunContinuationsAsynchronously = true };
    private SafeFileHandle? _file;
    private Memory<byte> _into;
    private long _offset;

    public ValueTask<int> ReadAsync(SendableFile file, Memory<byte> into, long offset)
    {
        _done.Reset();
        (_file, _into, _offset) = (file.Handle, into, offset);
        var task = new ValueTask<int>(this, _done.Version);
        file.Lane.Enqueue(this);
        return task;
    }

    void IFileWork.Run()
    {
        try
        {
            _done.SetResult(RandomAccess.Read(_file!, _into.Span, _offset));
        }
        catch (Exception e)
        {
            _done.SetException(e as IOException ?? new IOException("read failed", e));
        }
    }

    public int GetResult(short token) => _done.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _done.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _done.OnCompleted(continuation, state, token, flags);
}
