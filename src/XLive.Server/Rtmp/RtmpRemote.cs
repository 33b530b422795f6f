using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using XLive.Media;
using XLive.Media.Rtmp;

namespace XLive.Server.Rtmp;

/// <summary>A connection to another server, to fetch a stream from it or to push one to it: <see cref="RtmpClientSession"/> on a socket.</summary>
internal sealed class RtmpRemote : IAsyncDisposable
{
    /// <summary>To connect, with names, TLS and all round trips of RTMP.</summary>
    public static readonly TimeSpan ToBegin = TimeSpan.FromSeconds(10);

    /// <summary>As of a publisher: no source of media pauses for so long.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromSeconds(9);

    // To say good-bye, and to see it heard: one round trip, and whatever the other side had still to say.
    private static readonly TimeSpan ToLeave = TimeSpan.FromSeconds(2);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly RtmpClientSession _session;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly byte[] _buffer = new byte[64 << 10];
    private ReadOnlyMemory<byte> _rest;

    private RtmpRemote(Socket socket, Stream stream, RtmpTarget target, TimeProvider clock)
    {
        (_socket, _stream, _clock) = (socket, stream, clock);
        var address = ((IPEndPoint)socket.RemoteEndPoint!).Address;
        Address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        _session = new RtmpClientSession(target, Now, Random.Shared);
    }

    public IPAddress Address { get; }

    /// <summary>The message stream that media belongs to.</summary>
    public uint StreamId => _session.StreamId;

    /// <summary>What the other side takes, as far as it has named codecs; null: it has named none.</summary>
    public CodecSet? Takes => _session.Codecs.IsNamed ? _session.Codecs.Taken : null;

    private uint Now => (uint)(_clock.GetTimestamp() / (_clock.TimestampFrequency / 1000));

    /// <returns>When the other side has said that it begins.</returns>
    public static async Task<RtmpRemote> BeginAsync(RtmpAddress address, RtmpTarget target, TimeProvider clock, Patience patience)
    {
        patience.For(ToBegin);
        var remote = await ConnectAsync(address, target, clock, patience.Token);
        try
        {
            while (await remote.NextAsync(patience.Token) is { } occurred)
            {
                if (occurred.Kind == RtmpEventKind.Established)
                {
                    patience.Endless();
                    return remote;
                }
                if (occurred.Kind == RtmpEventKind.NotTaken)
                    throw new RemoteException(NotTaken(address, occurred.Track));
                if (occurred.Kind == RtmpEventKind.Refused)
                {
                    throw new RemoteException($"{address.Shown} refused: {CodeOf(occurred.Status)}", occurred.Status.Code.EndsWith("StreamNotFound", StringComparison.Ordinal));
                }
            }
            throw new RemoteException($"{address.Shown} closed the connection before anything began");
        }
        catch (OperationCanceledException) when (target.Publishes && remote.StreamId != 0)
        {
            // It may begin yet, and would hold the name for a publisher who has gone.
            await remote.LeaveAsync();
            await remote.DisposeAsync();
            throw;
        }
        catch
        {
            await remote.DisposeAsync();
            throw;
        }
    }

    /// <summary>One of Adobe's words, for the log; a description may repeat what was asked, key and all.</summary>
    public static string CodeOf(RtmpStatus said) => said.Code.Length is > 0 and < 64 && said.Code.All(static c => char.IsAsciiLetterOrDigit(c) || c == '.') ? said.Code : "no known reason";

    public static string NotTaken(RtmpAddress address, Track track) => $"{address.Shown} does not take {track.CodecName}: it is none of the codecs that it named at connect (fourCcList)";

    private static async Task<RtmpRemote> ConnectAsync(RtmpAddress address, RtmpTarget target, TimeProvider clock, CancellationToken stop)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            await socket.ConnectAsync(address.Host.Trim('[', ']'), address.Port, stop);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (address.IsTls)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
                {
                    TargetHost = address.Host,
                    // Fetching a missing intermediate would ask servers that a certificate names.
                    CertificateChainPolicy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck },
                }, stop);
            }
            return new RtmpRemote(socket, stream, target, clock);
        }
        catch
        {
            if (stream is null)
                socket.Dispose();
            else
                await stream.DisposeAsync();
            throw;
        }
    }

    /// <summary>What comes next; its payload stands until the next call. Null: the connection has ended.</summary>
    public async ValueTask<RtmpEvent?> NextAsync(CancellationToken stop)
    {
        while (true)
        {
            var any = _session.Read(_rest, Now, out var consumed, out var occurred);
            _rest = _rest[consumed..];
            if (_session.Output.WrittenCount > 0)
                await AnswerAsync(stop);
            if (any)
                return occurred;
            if (_session.IsOver)
                return null;
            var length = await _stream.ReadAsync(_buffer, stop);
            if (length == 0)
                return null;
            _rest = _buffer.AsMemory(0, length);
        }
    }

    private async ValueTask AnswerAsync(CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            await _stream.WriteAsync(_session.Output.WrittenMemory, stop);
            _session.Output.ResetWrittenCount();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Whole messages, by whoever publishes, while another reads.</summary>
    public async ValueTask SendAsync(ReadOnlyMemory<byte> messages, CancellationToken stop)
    {
        await _turn.WaitAsync(stop);
        try
        {
            await _stream.WriteAsync(messages, stop);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>
    /// The polite end; nobody may be reading any more. The other side closes when it has heard it: closed first from here, with its answers unread, the connection would be
    /// reset, and a reset may overtake what was said.
    /// </summary>
    public async ValueTask LeaveAsync()
    {
        using var patience = new CancellationTokenSource(ToLeave, _clock);
        try
        {
            _session.Leave();
            await AnswerAsync(patience.Token);
            if (_stream is SslStream tls)
                await tls.ShutdownAsync().WaitAsync(patience.Token);
            _socket.Shutdown(SocketShutdown.Send);
            while (await _stream.ReadAsync(_buffer, patience.Token) > 0)
            {
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
            // It was told, or has gone.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _turn.Dispose();
    }
}
