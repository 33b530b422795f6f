using System.Globalization;
using System.Numerics;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Server.Live;

namespace XLive.Server.Ingest.Rtmp;

/// <summary>
/// Tracks of video beside a publisher's first (multitrack of Enhanced RTMP v2). Each is a stream of its own, with his sound, as if he published it on another connection under
/// the event's name and the lines of its picture: so a rendition, a player, a forward and an operator find it as any other. Used by the publisher's connection alone.
/// </summary>
/// <param name="main">The name under which the first is published.</param>
/// <param name="begin">Asked for each once it has a keyframe; null where it may not be.</param>
internal sealed class FurtherPictures(StreamName main, Func<StreamName, Publication?> begin, TimeProvider clock, Action<StreamName, string> warn)
{
    /// <summary>With the first one more. An event has sixteen renditions, and those of two publishers may meet.</summary>
    internal const int Most = 7;

    // A configuration has hundreds of bytes.
    private const int LargestKept = 64 << 10;

    // Where the name is still another's, as after a loss: at a keyframe, so often.
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    private readonly FurtherPicture?[] _pictures = new FurtherPicture?[Most]; // by id, without the first
    private byte[] _sound = [];
    private bool _hasTooMany;

    /// <summary>Those that were begun.</summary>
    public IEnumerable<FurtherPicture> All
    {
        get
        {
            foreach (var picture in _pictures)
            {
                if (picture?.Turn is not null)
                    yield return picture;
            }
        }
    }

    /// <param name="tracks">A bit for each id that is in the message.</param>
    public void TakePictures(ulong tracks, uint timestamp, ReadOnlyMemory<byte> body)
    {
        for (var left = tracks & ~1UL; left != 0; left &= left - 1)
        {
            var id = BitOperations.TrailingZeroCount(left);
            if (id > Most)
            {
                if (!_hasTooMany)
                    warn(main, $"video tracks with an id above {Most} are left out");
                _hasTooMany = true;
                return;
            }
            (_pictures[id - 1] ??= new(id, this)).Take(timestamp, body);
        }
    }

    /// <param name="isConfiguration">Who begins later needs it first.</param>
    public void TakeSound(bool isConfiguration, uint timestamp, ReadOnlyMemory<byte> body)
    {
        if (isConfiguration && body.Length <= LargestKept)
            _sound = body.ToArray();
        foreach (var picture in _pictures)
            picture?.TakeSound(timestamp, body);
    }

    /// <summary>Null: there is no name for it, or it is another's.</summary>
    private Publication? Begin(FurtherPicture picture, Track video)
    {
        if (NameOf(picture, video) is not { } name)
        {
            picture.IsLeftOut = true;
            warn(main, $"a video track of {video.Width}x{video.Height} is left out: there is no name for it");
            return null;
        }
        picture.Name = name;
        return begin(name);
    }

    /// <summary>live/cam_720; of a second one with as many lines live/cam_720p2, with its track's id.</summary>
    private StreamName? NameOf(FurtherPicture picture, Track video)
    {
        var whole = main.Event ?? main;
        var name = Labelled("");
        if (name == main || Array.Exists(_pictures, p => p is not null && p != picture && p.Name == name))
            name = Labelled(FormattableString.Invariant($"p{picture.Id}"));
        return StreamName.IsPart(name.Stream) && name.Event == whole ? name : null;

        StreamName Labelled(string more) => new(whole.App, whole.Stream + "_" + video.Height.ToString(CultureInfo.InvariantCulture) + more);
    }

    /// <summary>One of them. Before its stream has begun what tells of it is kept, so that it can be told again.</summary>
    internal sealed class FurtherPicture(int id, FurtherPictures all)
    {
        private const int MostKept = 4;

        private readonly FlvVideo _look = new(id);
        private readonly List<byte[]> _told = [];
        private FlvFeed? _feed;
        private long _triedAt;
        private bool _hasTried;

        public int Id => id;
        public StreamName Name { get; set; }
        public Publication? Turn { get; private set; }
        public bool IsLeftOut { get; set; }
        public long Dropped => _feed?.Dropped ?? 0;
        public long Discontinuities => _feed?.Discontinuities ?? 0;

        public void Take(uint timestamp, ReadOnlyMemory<byte> body)
        {
            if (_feed is null && !IsLeftOut)
                Look(timestamp, body);
            // Ended by somebody who may, it stays so until the publisher comes again.
            if (Turn?.EndedFor is null)
                _feed?.Take(TrackKind.Video, timestamp, body);
        }

        public void TakeSound(uint timestamp, ReadOnlyMemory<byte> body)
        {
            if (Turn?.EndedFor is null)
                _feed?.Take(TrackKind.Audio, timestamp, body);
        }

        private void Look(uint timestamp, ReadOnlyMemory<byte> body)
        {
            var content = _look.Read(body, default, out var frame, out _);
            if (content == FlvContent.Track)
                _told.Clear();
            if (content is FlvContent.Track or FlvContent.Nothing && _told.Count < MostKept && body.Length <= LargestKept)
                _told.Add(body.ToArray());
            if (content != FlvContent.Frame || !frame.IsKey || (_hasTried && all.Clock.GetElapsedTime(_triedAt) < Again))
                return;
            (_hasTried, _triedAt) = (true, all.Clock.GetTimestamp());
            Turn = all.Begin(this, frame.Track);
            if (Turn is null)
                return;
            var feed = new FlvFeed(Turn, words => all.Warn(Name, words), id);
            if (all._sound.Length > 0)
                feed.Take(TrackKind.Audio, timestamp, all._sound);
            foreach (var message in _told)
                feed.Take(TrackKind.Video, timestamp, message);
            _told.Clear();
            _feed = feed;
        }
    }

    private TimeProvider Clock => clock;

    private void Warn(StreamName name, string words) => warn(name, words);
}
