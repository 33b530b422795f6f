using System.Net;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Media.Rtmp;
using XLive.Server.Rtmp;

namespace XLive.Server.Ingest.Pull;

/// <summary>Where a stream is fetched from, by either protocol, up to the end of one connection.</summary>
internal static class PullSource
{
    /// <param name="took">After each piece of media.</param>
    /// <returns>Whether the other side said that the stream is over.</returns>
    public static async Task<bool> FetchRtmpAsync(RtmpAddress address, PullFeed feed, Action took, TimeProvider clock, Patience patience)
    {
        await using var remote = await RtmpRemote.BeginAsync(address, address.Target(publishes: false), clock, patience);
        feed.Address = remote.Address;
        patience.For(RtmpRemote.Silence);
        while (true)
        {
            if (await remote.NextAsync(patience.Token) is not { } occurred)
                return false;
            switch (occurred.Kind)
            {
                case RtmpEventKind.Audio or RtmpEventKind.Video:
                    var message = occurred.Message;
                    feed.Take(occurred.Kind == RtmpEventKind.Video ? TrackKind.Video : TrackKind.Audio, message.Timestamp, message.Payload);
                    took();
                    break;
                case RtmpEventKind.PlayEnded:
                    return true;
                case RtmpEventKind.Refused:
                    throw new RemoteException($"{address.Shown} ended it: {RtmpRemote.CodeOf(occurred.Status)}");
            }
        }
    }

    public static async Task<bool> FetchFlvAsync(Uri url, PullFeed feed, Action took, Patience patience)
    {
        using var source = new HttpSource(url);
        patience.For(RtmpRemote.ToBegin);
        using var response = await source.OpenAsync(patience.Token);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new RemoteException($"{url.Authority} answered {(int)response.StatusCode}", response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone);
        feed.Address = source.Address;
        await using var body = await response.Content.ReadAsStreamAsync(patience.Token);
        var reader = new FlvReader();
        var buffer = new byte[64 << 10];
        patience.For(RtmpRemote.Silence);
        while (true)
        {
            var length = await body.ReadAsync(buffer, patience.Token);
            // Without chunks (or HTTP/2's frames) the end of a stream and the loss of its connection look the same.
            if (length == 0)
                return response.Headers.TransferEncodingChunked == true || response.Version.Major > 1;
            Read(url, reader, buffer.AsMemory(0, length), feed);
            took();
        }
    }

    private static void Read(Uri url, FlvReader reader, ReadOnlyMemory<byte> rest, PullFeed feed)
    {
        try
        {
            for (; reader.Read(rest, out var consumed, out var tag); rest = rest[consumed..])
            {
                if (tag.Type is FlvTagType.Audio or FlvTagType.Video)
                    feed.Take(tag.Type == FlvTagType.Video ? TrackKind.Video : TrackKind.Audio, tag.Timestamp, tag.Body);
            }
        }
        catch (FlvException e)
        {
            // Mostly a page of HTML with status 200.
            throw new RemoteException($"{url.Authority} sends no FLV: {e.Message}");
        }
    }
}
