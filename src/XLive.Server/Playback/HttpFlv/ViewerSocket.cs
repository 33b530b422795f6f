using System.Buffers.Binary;
using System.Text;
using Microsoft.AspNetCore.Connections;
using XLive.Server.Door;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Playback.HttpFlv;

/// <summary>
/// A viewer's WebSocket. Media and what is said beside it come from two tasks, and one at a time may send. It ends with a close frame, and with the viewer's
/// own, if that comes soon.
/// </summary>
internal sealed class ViewerSocket : IDisposable
{
    // RFC 6455 section 7.4.1.
    public const ushort Ended = 1000, Refused = 1008;
    private const ushort Faulty = 1002, TooLong = 1009;

    private const byte Close = 8, Ping = 9, Pong = 10;

    // Below the 30 s after which the strictest of common proxies take a direction in which nothing comes for dead (HAProxy's examples; nginx and load balancers: 60 s).
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(20);

    // A slow viewer's ping waits behind the pictures that are on their way to him, and so does his answer.
    private const int MostUnanswered = 3;

    private static readonly TimeSpan ForItsClose = TimeSpan.FromSeconds(2);

    private readonly Exchange _exchange;
    private readonly Stream _input;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _left = new();
    private readonly ViewerFrames _frames = new();
    private readonly Task _listening;
    private bool _isClosed;

    public ViewerSocket(Exchange exchange, Stream input, TimeProvider clock)
    {
        (_exchange, _input, _clock) = (exchange, input, clock);
        _listening = ListenAsync();
    }

    /// <summary>The viewer has said so, or has gone without a word.</summary>
    public CancellationToken Left => _left.Token;

    /// <summary>One message.</summary>
    /// <returns>False: it has left, or may have no more.</returns>
    public async ValueTask<bool> SendAsync(Body body, Meter meter)
    {
        await _turn.WaitAsync();
        try
        {
            return !_isClosed && await _exchange.SendPieceAsync(body, meter);
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask<bool> RoomAsync(Meter meter)
    {
        await _turn.WaitAsync();
        try
        {
            return !_isClosed && await _exchange.RoomAsync(meter);
        }
        finally
        {
            _turn.Release();
        }
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[512];
        try
        {
            while (await HearAsync(buffer) is var length and > 0)
            {
                for (var at = 0; at < length;)
                {
                    var says = _frames.Read(buffer.AsSpan(at, length - at), out var consumed);
                    at += consumed;
                    if (says == ViewerSays.Ping)
                        await SayAsync(Pong, _frames.Payload);
                    else if (says != ViewerSays.Nothing)
                    {
                        await SayAsync(Close, says switch { ViewerSays.Faulty => Word(Faulty, ""), ViewerSays.TooLong => Word(TooLong, ""), _ => _frames.Payload });
                        return;
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ConnectionAbortedException or ConnectionResetException or InvalidOperationException or Microsoft.AspNetCore.Http.BadHttpRequestException)
        {
            // It has gone, or sent more than anybody reads.
        }
        finally
        {
            await _left.CancelAsync();
        }
    }

    /// <summary>Whatever he says next. One who says nothing is asked whether he is still there, for a browser that has lost its network says no goodbye.</summary>
    private async ValueTask<int> HearAsync(Memory<byte> buffer)
    {
        var reading = _input.ReadAsync(buffer).AsTask();
        try
        {
            for (var unanswered = 0; ; unanswered++)
            {
                await ((Task)reading).WaitAsync(PingEvery, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (reading.IsCompleted)
                    return await reading;
                if (unanswered == MostUnanswered)
                    return 0;
                await SayAsync(Ping, default);
            }
        }
        finally
        {
            // A read must not outlive its request.
            if (!reading.IsCompleted)
            {
                _exchange.Abort();
                await ((Task)reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async ValueTask SayAsync(byte opcode, ReadOnlyMemory<byte> payload)
    {
        await _turn.WaitAsync();
        try
        {
            if (!_isClosed)
                await _exchange.SendControlAsync(opcode, payload);
            _isClosed |= opcode == Close;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Says why, hears whether the viewer has understood, and is done with it.</summary>
    public async ValueTask EndAsync(ushort code, string why)
    {
        if (!_left.IsCancellationRequested)
        {
            await SayAsync(Close, Word(code, why));
            await _listening.WaitAsync(ForItsClose, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        if (!_listening.IsCompleted)
            _exchange.Abort();
        await _listening;
    }

    private static byte[] Word(ushort code, string why)
    {
        var payload = new byte[2 + why.Length];
        BinaryPrimitives.WriteUInt16BigEndian(payload, code);
        Encoding.ASCII.GetBytes(why, payload.AsSpan(2));
        return payload;
    }

    public void Dispose()
    {
        _turn.Dispose();
        _left.Dispose();
    }
}
