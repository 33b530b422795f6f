using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Threading.Channels;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// One connection that many use at once: commands go out in the order they come, as many together as have gathered while the last batch
/// was being written, and their answers come back in the same order. What waits is bounded, and all of it fails with the connection.
/// </summary>
internal sealed class RedisConnection : IDisposable
{
    /// <summary>Commands that wait for an answer. Beyond that Redis is no help but a load.</summary>
    public const int MostWaiting = 16_384;

    private const int BatchBytes = 64 << 10;

    private readonly Stream _stream;
    private readonly TimeProvider _clock;
    private readonly RedisStats _stats;
    private readonly Action<RespValue>? _message;
    private readonly Channel<RedisRequest> _outgoing = Channel.CreateUnbounded<RedisRequest>();
    private readonly Queue<RedisRequest> _unanswered = new();
    private readonly Lock _gate = new();
    private readonly TaskCompletionSource<RespValue> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiting;
    private RespValue? _end;

    /// <param name="message">Told of what was published to a channel that this connection listens to, on the thread that reads.</param>
    private RedisConnection(Stream stream, TimeProvider clock, RedisStats stats, Action<RespValue>? message)
    {
        _stream = stream;
        _clock = clock;
        _stats = stats;
        _message = message;
    }

    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Completed with the reason when the connection is over.</summary>
    public Task<RespValue> Ended => _ended.Task;

    /// <summary>How long the oldest command has been waiting.</summary>
    public TimeSpan OldestWait
    {
        get
        {
            lock (_gate)
            {
                if (_unanswered.TryPeek(out var oldest) || _outgoing.Reader.TryPeek(out oldest))
                    return _clock.GetElapsedTime(oldest.Since);
            }
            return TimeSpan.Zero;
        }
    }

    /// <exception cref="SocketException"/><exception cref="IOException"/><exception cref="System.Security.Authentication.AuthenticationException"/>
    public static async Task<RedisConnection> OpenAsync(
        RedisAddress address, RedisTls? tls, TimeProvider clock, RedisStats stats, Action<RespValue>? message, CancellationToken stop)
    {
        var socket = address.IsSocketFile
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            if (address.IsSocketFile)
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(address.Host), stop);
            else
                await socket.ConnectAsync(address.Host, address.Port, stop);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (tls is not null)
            {
                // Files are read and a chain is built: not where sockets are polled.
                await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                var options = RedisTlsFiles.Read(tls);
                options.TargetHost = address.Host;
                var secured = new SslStream(stream, leaveInnerStreamOpen: false);
                stream = secured;
                await secured.AuthenticateAsClientAsync(options, stop);
            }
        }
        catch (Exception)
        {
            if (stream is not null)
                await stream.DisposeAsync();
            socket.Dispose();
            throw;
        }
        var connection = new RedisConnection(stream, clock, stats, message);
        // The two end with the connection, and end it when they fail.
        _ = connection.WriteAsync();
        _ = connection.ReadAsync();
        return connection;
    }

    public Task<RespValue> SendAsync(params ReadOnlySpan<RedisWord> words) => Send(new RedisRequest(RedisWord.Write(words), _clock.GetTimestamp()));

    public Task<RespValue> Send(RedisRequest request)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
            return Refuse(RedisFault.Of(RedisFault.Full, $"{MostWaiting} commands wait already"));
        return _outgoing.Writer.TryWrite(request) ? request.Task : Refuse(_end ?? RedisFault.Of(RedisFault.Apart, "the connection has ended"));
    }

    private Task<RespValue> Refuse(RespValue why)
    {
        Interlocked.Decrement(ref _waiting);
        _stats.Failed(why);
        return Task.FromResult(why);
    }

    private async Task WriteAsync()
    {
        var batch = new ArrayBufferWriter<byte>(4096);
        try
        {
            while (await _outgoing.Reader.WaitToReadAsync())
            {
                batch.ResetWrittenCount();
                while (batch.WrittenCount < BatchBytes && Take() is { } request)
                    batch.Write(request.Bytes);
                await _stream.WriteAsync(batch.WrittenMemory);
            }
        }
        catch (Exception e)
        {
            End(RedisFault.Of(RedisFault.Apart, e.Message));
        }
    }

    private RedisRequest? Take()
    {
        lock (_gate)
        {
            // Once it has ended nobody else would answer what is taken now.
            if (_end is not null || !_outgoing.Reader.TryRead(out var request))
                return null;
            _unanswered.Enqueue(request);
            return request;
        }
    }

    private async Task ReadAsync()
    {
        var parser = new RespParser();
        var buffer = new byte[4 * RespParser.LongestLine];
        var kept = 0;
        try
        {
            while (true)
            {
                var read = await _stream.ReadAsync(buffer.AsMemory(kept));
                if (read == 0)
                {
                    End(RedisFault.Of(RedisFault.Apart, "the server closed the connection"));
                    return;
                }
                var rest = buffer.AsMemory(0, kept + read);
                while (true)
                {
                    var whole = parser.TryRead(rest.Span, out var consumed, out var value);
                    rest = rest[consumed..];
                    if (!whole)
                        break;
                    Answer(value);
                }
                rest.CopyTo(buffer);
                kept = rest.Length;
            }
        }
        catch (RespException e)
        {
            End(RedisFault.Of(RedisFault.Broken, e.Message));
        }
        catch (Exception e)
        {
            End(RedisFault.Of(RedisFault.Apart, e.Message));
        }
    }

    private void Answer(in RespValue value)
    {
        if (_message is not null && value is { Kind: RespKind.List, Items: [var first, _, var payload] } && first.Is("message"u8))
        {
            _message(payload);
            return;
        }
        RedisRequest? request;
        lock (_gate)
        {
            if (!_unanswered.TryPeek(out request))
                throw new RespException("an answer that nobody asked for");
            if (--request.Answers > 0)
                return;
            _unanswered.Dequeue();
        }
        Interlocked.Decrement(ref _waiting);
        _stats.Answered(_clock.GetElapsedTime(request.Since).TotalMilliseconds);
        if (value.IsError)
            _stats.Failed(value);
        request.TrySetResult(value);
    }

    /// <summary>The first reason counts.</summary>
    public void End(RespValue why)
    {
        List<RedisRequest> lost = [];
        lock (_gate)
        {
            if (_end is not null)
                return;
            _end = why;
            _outgoing.Writer.TryComplete();
            lost.AddRange(_unanswered);
            _unanswered.Clear();
            while (_outgoing.Reader.TryRead(out var request))
                lost.Add(request);
        }
        foreach (var request in lost)
        {
            Interlocked.Decrement(ref _waiting);
            _stats.Failed(why);
            request.TrySetResult(why);
        }
        _stream.Dispose();
        _ended.TrySetResult(why);
    }

    public void Dispose() => End(RedisFault.Of(RedisFault.Apart, "closed"));
}
