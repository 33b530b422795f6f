using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using XLive.Server.Sending;
using XLive.Server.Traffic;

namespace XLive.Server.Tests.Sending;

/// <summary>What a viewer did not take is given back when he has left, which another thread may see in the midst of a body.</summary>
public sealed class GoneViewerTests
{
    [Fact]
    public async Task A_body_in_pieces_goes_on_where_it_was_and_no_byte_beyond_its_length_is_announced()
    {
        var (output, source) = (new Output(), new Source());
        var sent = await Sender.SendAsync(new Response(output), output, Body.Of(source, 0, 3000, FileKind.Other), null);
        Assert.Equal([0, 1000, 2000], source.Asked);
        Assert.Equal((3000, new Sent(SendEnd.Done, 3000)), (output.Announcements, sent));
    }

    // The flush of each piece ends well, and then 700 of its bytes are given back.
    private sealed class Output : BodyOutput
    {
        private long _sent;

        public long Announcements { get; private set; }
        public override long BodySent => _sent;
        public override long UnflushedBytes => Body.Length;
        public override bool CanSend(in Body body) => true;
        public override ValueTask<FlushResult> RoomAsync(Meter? meter) => new(new FlushResult(false, false));
        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => new(new FlushResult(false, false));

        public override void Advance(int bytes)
        {
            Announced = false;
            Announcements += bytes;
        }

        public override ValueTask<FlushResult> BodySentAsync()
        {
            _sent += Body.Length - 700;
            Clear();
            return new(new FlushResult(false, false));
        }

        public override void CancelPendingFlush()
        {
        }

        public override void Complete(Exception? exception = null)
        {
        }
    }

    private sealed class Source : BodySource, IBodyOwner
    {
        private readonly byte[] _bytes = new byte[1000];

        public List<long> Asked { get; } = [];

        public override ValueTask<BodyPiece> ReadAsync(long offset, long most)
        {
            Asked.Add(offset);
            return new(new BodyPiece(_bytes.AsMemory(0, (int)Math.Min(most, _bytes.Length)), this));
        }

        public void Release()
        {
        }
    }

    private sealed class Response(PipeWriter writer) : IHttpResponseBodyFeature
    {
        public Stream Stream => Stream.Null;
        public PipeWriter Writer => writer;
        public Task StartAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;
        public Task CompleteAsync() => Task.CompletedTask;
        public void DisableBuffering()
        {
        }

        public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) => Task.CompletedTask;
    }
}
