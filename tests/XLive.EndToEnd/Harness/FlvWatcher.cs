using System.Net;
using XLive.Media.Flv;

namespace XLive.EndToEnd.Harness;

/// <summary>A viewer of /app/stream.flv who takes what comes as it comes.</summary>
public sealed class FlvWatcher : IDisposable
{
    readonly HttpResponseMessage _answer;

    FlvWatcher(HttpResponseMessage answer) => _answer = answer;

    /// <summary>Returns when the stream begins to come; until it is there, asks again.</summary>
    public static async Task<FlvWatcher> Begin(ServerProcess server, string path, CancellationToken stop)
    {
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.ConnectionClose = true;
            var answer = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
            if (answer.IsSuccessStatusCode)
            {
                return new FlvWatcher(answer);
            }
            answer.Dispose();
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            await Task.Delay(20, stop);
        }
    }

    /// <summary>Tag by tag, until the stream ends.</summary>
    public async Task Watch(Action<FlvTag> see, CancellationToken stop)
    {
        var reader = new FlvReader();
        var buffer = new byte[64 << 10];
        await using var body = await _answer.Content.ReadAsStreamAsync(stop);
        while (await body.ReadAsync(buffer, stop) is > 0 and var length)
        {
            for (var rest = (ReadOnlyMemory<byte>)buffer.AsMemory(0, length); reader.Read(rest, out var consumed, out var tag); rest = rest[consumed..])
            {
                see(tag);
            }
        }
    }

    public void Dispose() => _answer.Dispose();
}
