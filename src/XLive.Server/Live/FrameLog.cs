using System.Buffers;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Server.Sending;

namespace XLive.Server.Live;

/// <summary>
/// What a stream sent lately, in one form: one writes at the end, each viewer reads from his own place on, and none has a queue. Bounded in time and in
/// bytes; who falls behind its beginning goes on at the newest keyframe.
/// </summary>
internal sealed class FrameLog(Slabs slabs, long mostBytes, WireForm form = WireForm.Flv)
{
    // A player that was away for longer has run dry, and wants what is now.
    private const long Longest = 10 * Timestamp.PerSecond;

    private const int FirstEntries = 256;

    private readonly Lock _gate = new();
    private Entry[] _entries = new Entry[FirstEntries];
    private long _first;
    private long _next;
    private long _key = -1;
    private long _bytes;
    private long _mostBytes = mostBytes;
    private Track? _video;
    private Track? _audio;
    private bool _isClosed;

    private struct Entry
    {
        public Slab Slab;
        public int Start;
        public int Length;
        public int PayloadStart;
        public int PayloadLength;
        public int CompositionOffset;
        public Timestamp Decoded;
        public Track Track;
        public FrameFlags Flags;
        public bool IsConfiguration;
        public bool EndsSlab;
    }

    /// <summary>The number of the next frame to come.</summary>
    public long Next => Volatile.Read(ref _next);

    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>From the next frame on.</summary>
    public long MostBytes
    {
        get => Volatile.Read(ref _mostBytes);
        set => Volatile.Write(ref _mostBytes, value);
    }

    /// <returns>The frame as it stands here, for as long as nobody else is let write.</returns>
    public Frame Append(in Frame frame)
    {
        lock (_gate)
        {
            ref var entry = ref Add(form.LongestOf(frame.Payload.Length));
            form.WriteFrame(entry.Slab, frame);
            entry.Length = entry.Slab.Filled - entry.Start;
            (entry.Track, entry.Decoded, entry.CompositionOffset, entry.Flags) = (frame.Track, frame.Decoded, frame.CompositionOffset, frame.Flags);
            if (frame.Track.IsVideo && frame.IsKey)
                _key = _next;
            Note(frame.Track);
            // Of chunks the payload lies in pieces.
            if (form != WireForm.Flv)
            {
                Commit(ref entry);
                return frame;
            }
            entry.PayloadLength = frame.Payload.Length;
            entry.PayloadStart = entry.Slab.Filled - sizeof(int) - frame.Payload.Length;
            return FrameOf(Commit(ref entry));
        }
    }

    /// <summary>A track that was not there, or is another now, in its place among the frames.</summary>
    public void Append(Track track, Timestamp from)
    {
        lock (_gate)
        {
            Note(track);
            // Some codecs have no configuration, and a piece of nothing would end a chunked body.
            if (!FlvBody.HasConfiguration(track))
                return;
            ref var entry = ref Add(form.LongestOf(track.Configuration.Length));
            form.WriteConfiguration(entry.Slab, track, from);
            entry.Length = entry.Slab.Filled - entry.Start;
            (entry.Track, entry.Decoded, entry.IsConfiguration) = (track, from, true);
            Commit(ref entry);
        }
    }

    private void Note(Track track) => (_video, _audio) = track.IsVideo ? (track, _audio) : (_video, track);

    /// <summary>What one who comes now would be sent, in the other's form. Of the log that has the frames as they came.</summary>
    public void CopyTo(FrameLog other)
    {
        lock (_gate)
        {
            for (var i = _key >= 0 ? _key : _next; i < _next; i++)
            {
                ref var entry = ref At(i);
                if (entry.IsConfiguration)
                    other.Append(entry.Track, entry.Decoded);
                else
                    other.Append(FrameOf(entry));
            }
        }
    }

    private ref Entry Add(int most)
    {
        if (_next - _first == _entries.Length)
            Grow();
        Slab? slab = null;
        if (_next > _first)
        {
            ref var last = ref At(_next - 1);
            if (last.Slab.Room >= most)
                slab = last.Slab;
            else
                last.EndsSlab = true;
        }
        slab ??= slabs.Take(most);
        ref var entry = ref At(_next);
        entry = new Entry { Slab = slab, Start = slab.Filled };
        return ref entry;
    }

    private ref Entry Commit(ref Entry entry)
    {
        _bytes += entry.Length;
        Volatile.Write(ref _next, _next + 1);
        while (_bytes > _mostBytes || (_key > _first && entry.Decoded - At(_first).Decoded > Longest) || (_key < 0 && entry.Decoded - At(_first).Decoded > Longest))
        {
            // The frame that came is the last to go.
            if (_next - _first == 1)
                break;
            Drop();
        }
        return ref entry;
    }

    private void Drop()
    {
        ref var entry = ref At(_first);
        _bytes -= entry.Length;
        if (_key == _first)
            _key = -1;
        if (entry.EndsSlab)
            entry.Slab.Release();
        entry = default;
        _first++;
    }

    private void Grow()
    {
        var larger = new Entry[_entries.Length * 2];
        for (var i = _first; i < _next; i++)
            larger[i & (larger.Length - 1)] = At(i);
        _entries = larger;
    }

    private ref Entry At(long number) => ref _entries[number & (_entries.Length - 1)];

    private static Frame FrameOf(in Entry entry) =>
        new(entry.Track, entry.Decoded, entry.CompositionOffset, entry.Flags, entry.Slab.Memory.Slice(entry.PayloadStart, entry.PayloadLength));

    /// <summary>Where one who comes now begins.</summary>
    /// <param name="atKey">With the last picture that stands by itself, so that he sees one at once.</param>
    /// <param name="video">As it was there, to be told first.</param>
    public long Begin(bool atKey, ref Track? video, ref Track? audio, out Timestamp from)
    {
        lock (_gate)
        {
            var number = atKey && _key >= 0 ? _key : _next;
            from = TimeAt(number);
            TracksAt(number, ref video, ref audio);
            return number;
        }
    }

    private Timestamp TimeAt(long number) => number < _next ? At(number).Decoded : _next > _first ? At(_next - 1).Decoded : default;

    private void TracksAt(long number, ref Track? video, ref Track? audio)
    {
        // What changed since then he finds in its place.
        var (sawVideo, sawAudio) = (false, false);
        for (var i = number; i < _next && !(sawVideo && sawAudio); i++)
        {
            ref var entry = ref At(i);
            if (entry.Track.IsVideo ? sawVideo : sawAudio)
                continue;
            if (entry.Track.IsVideo)
                (video, sawVideo) = (entry.Track, true);
            else
                (audio, sawAudio) = (entry.Track, true);
        }
    }

    /// <summary>What has come from this place on, as far as it lies in one piece. False: nothing yet.</summary>
    /// <param name="number">
    /// Goes on to the next. When it had fallen behind, it goes on at the newest keyframe, <paramref name="skipped"/> says how many frames are passed over, and
    /// the piece is what the tracks are there: they may have changed meanwhile.
    /// </param>
    /// <param name="toKey">As if it had fallen behind, unless it is past the newest keyframe.</param>
    /// <param name="lends">The piece may be sent without a copy.</param>
    /// <param name="takes">Nothing of another codec: he comes as far as its first entry.</param>
    public bool TryRead(ref long number, int most, out BodyPiece piece, out long skipped, bool toKey = false, bool lends = false, CodecSet? takes = null)
    {
        var taken = takes ?? CodecSet.All;
        lock (_gate)
        {
            skipped = 0;
            piece = default;
            if (_isClosed)
                return false;
            if (number < _first || (toKey && number < _key))
            {
                var to = _key >= 0 ? _key : _next;
                (skipped, number) = (to - number, to);
                piece = ConfigurationsAt(to, taken);
                if (!piece.Bytes.IsEmpty)
                    return true;
            }
            if (number == _next || !taken.Has(At(number).Track.Codec))
                return false;
            ref var begin = ref At(number);
            var length = 0;
            do
            {
                ref var entry = ref At(number);
                if (entry.Slab != begin.Slab || !taken.Has(entry.Track.Codec) || (length > 0 && length + entry.Length > most))
                    break;
                length += entry.Length;
                number++;
            }
            while (number < _next);
            begin.Slab.Hold();
            lends &= length >= Slab.LeastLent;
            if (lends)
                begin.Slab.Lend();
            piece = new BodyPiece(begin.Slab.Memory.Slice(begin.Start, length), begin.Slab, lends ? Slab.LeastLent : 0);
            return true;
        }
    }

    /// <returns>The track that ends it for one who is here and takes these codecs; null: he waits for what comes.</returns>
    public Track? NotTakenAt(long number, in CodecSet takes)
    {
        lock (_gate)
            return !_isClosed && number >= _first && number < _next && !takes.Has(At(number).Track.Codec) ? At(number).Track : null;
    }

    private BodyPiece ConfigurationsAt(long number, in CodecSet takes)
    {
        var (video, audio) = (_video, _audio);
        TracksAt(number, ref video, ref audio);
        var written = new ArrayBufferWriter<byte>(256);
        if (video is not null && takes.Has(video.Codec))
            form.WriteConfiguration(written, video, TimeAt(number));
        if (audio is not null && takes.Has(audio.Codec))
            form.WriteConfiguration(written, audio, TimeAt(number));
        return new BodyPiece(written.WrittenMemory, Collected.Instance);
    }

    private sealed class Collected : IBodyOwner
    {
        public static readonly Collected Instance = new();

        // The heap's.
        public void Release()
        {
        }
    }

    /// <summary>Gives all of it back; who reads now finds nothing more.</summary>
    public void Close()
    {
        lock (_gate)
        {
            if (_isClosed)
                return;
            _isClosed = true;
            if (_next > _first)
                At(_next - 1).EndsSlab = true;
            while (_first < _next)
                Drop();
            _entries = [];
        }
    }
}
