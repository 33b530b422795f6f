using Microsoft.AspNetCore.Connections;

namespace XLive.Server.Rtmp;

/// <summary>One play of a connection, which may have several, one after the other: the player is fed beside what the connection reads, and how that ends is told to it.</summary>
internal sealed class RtmpPlaying(IRtmpPlayer player, ConnectionContext context) : IAsyncDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private Task _feeding = Task.CompletedTask;
    private volatile bool _isOver;

    public IRtmpPlayer Player => player;

    /// <summary>The stream has ended. The connection's pending read is woken to see it.</summary>
    public bool IsOver => _isOver;

    public void Begin(RtmpOutput output, uint streamId) => _feeding = FeedAsync(output, streamId);

    private async Task FeedAsync(RtmpOutput output, uint streamId)
    {
        var gone = _gone.Token;
        // The reading goes on beside it, and not behind its first wait.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            await player.PlayAsync(output, streamId, gone);
            _isOver = true;
            context.Transport.Input.CancelPendingRead();
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // Whoever said so waits for it, and the connection may go on.
        }
        catch (Exception e) when (e is ConnectionResetException or ConnectionAbortedException or IOException or OperationCanceledException)
        {
            context.Abort(new ConnectionAbortedException("the player has gone"));
        }
    }

    /// <summary>Ends it, however far it has come.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gone.CancelAsync();
        await _feeding;
        _gone.Dispose();
    }
}
