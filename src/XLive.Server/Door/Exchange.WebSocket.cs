using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Traffic;

namespace XLive.Server.Door;

// The server's side of a WebSocket (RFC 6455; in HTTP/2 RFC 8441): pieces go out as binary messages from where they lie, and are charged like any body's.
public sealed partial class Exchange
{
    private const string WebSocket = "websocket";
    private const string Version = "13";
    private const byte Whole = 0x80, Binary = 2;
    private const int KeyLength = 16;

    private Upgraded? _webSocket;

    internal bool IsWebSocket => _webSocket is not null;

    internal bool AsksForWebSocket => _features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect
        ? connect.Protocol == WebSocket
        : Method == HttpMethods.Get && _features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
            && string.Equals(RequestHeaders.Upgrade, WebSocket, StringComparison.OrdinalIgnoreCase);

    /// <summary>Zero when it may be accepted, or the status of the refusal.</summary>
    internal int RefusesWebSocket(out string why)
    {
        why = "";
        if (RequestHeaders.SecWebSocketVersion != Version)
        {
            (Headers.SecWebSocketVersion, Headers.Upgrade) = (Version, WebSocket);
            why = "WebSockets of version 13 only";
            return StatusCodes.Status426UpgradeRequired;
        }
        Span<byte> key = stackalloc byte[KeyLength + 2];
        if (Method == HttpMethods.Connect || (Convert.TryFromBase64String(RequestHeaders.SecWebSocketKey.ToString(), key, out var length) && length == KeyLength))
            return 0;
        why = "Sec-WebSocket-Key is 16 bytes in base64";
        return StatusCodes.Status400BadRequest;
    }

    /// <returns>What the client sends.</returns>
    internal async Task<Stream> AcceptWebSocketAsync()
    {
        if (_features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            // It may say nothing for hours.
            if (_features.Get<Microsoft.AspNetCore.Server.Kestrel.Core.Features.IHttpMinRequestBodyDataRateFeature>() is { } rate)
                rate.MinDataRate = null;
            var stream = await connect.AcceptAsync();
            _webSocket = new Upgraded(PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
            return stream;
        }
        Headers.Upgrade = WebSocket;
        Headers.SecWebSocketAccept = AcceptOf(RequestHeaders.SecWebSocketKey.ToString());
        var input = await _features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
        Connection?.Protocol = ConnectionProtocol.WebSocket;
        // Kestrel has flushed its answer and writes nothing more on this connection.
        _webSocket = new Upgraded(_output!);
        return input;
    }

    // Section 4.2.2 wants SHA-1; nothing hangs on its strength.
#pragma warning disable CA5350
    private static string AcceptOf(string key) => Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350

    /// <summary>A close, a pong: at most 125 bytes.</summary>
    internal async ValueTask SendControlAsync(byte opcode, ReadOnlyMemory<byte> payload)
    {
        var place = _webSocket!.Writer.GetSpan(2 + payload.Length);
        (place[0], place[1]) = ((byte)(Whole | opcode), (byte)payload.Length);
        payload.Span.CopyTo(place[2..]);
        _webSocket.Writer.Advance(2 + payload.Length);
        await _webSocket.Writer.FlushAsync();
    }

    private void BeginMessage(long length)
    {
        var place = _webSocket!.Writer.GetSpan(10);
        place[0] = Whole | Binary;
        var head = 2;
        switch (length)
        {
            case < 126:
                place[1] = (byte)length;
                break;
            case <= ushort.MaxValue:
                place[1] = 126;
                BinaryPrimitives.WriteUInt16BigEndian(place[2..], (ushort)length);
                head = 4;
                break;
            default:
                place[1] = 127;
                BinaryPrimitives.WriteInt64BigEndian(place[2..], length);
                head = 10;
                break;
        }
        _webSocket.Writer.Advance(head);
    }

    /// <summary>When the viewer's socket takes some more. False: it never will. In HTTP/2 a send waits by itself.</summary>
    internal async ValueTask<bool> RoomAsync(Meter? meter) => _output is null || !(await _output.RoomAsync(meter)).IsCompleted;

    /// <summary>Kestrel's own writer throws behind an upgrade.</summary>
    private sealed class Upgraded(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public PipeWriter Writer => writer;
        public Stream Stream => throw new NotSupportedException();

        public void DisableBuffering()
        {
        }

        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public Task CompleteAsync() => Task.CompletedTask;
    }
}
