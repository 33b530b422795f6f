using System.Security.Cryptography;
using System.Text;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Hls;
using XLive.Server.Live;
using XLive.Server.Playback.Http;

namespace XLive.Server.Playback.Hls;

/// <summary>
/// The streams that are one event in several qualities, and most often the one stream that it is. /{app}/{event}.m3u8 names their playlists below
/// /{app}/{event}/{life}/, so that a link to the event opens all of them; below their own names they are as ever. Joined and left by one at a time.
/// </summary>
internal sealed class HlsEvent(StreamName name)
{
    /// <summary>Streams; who comes later is by himself.</summary>
    public const int Most = 16;

    // What a phone is given first (HLS Authoring Specification, appendix: about 2 Mbit/s); players go up from there within seconds.
    private const int FirstLines = 720;

    private HlsRendition[] _renditions = [];
    private Held? _held, _heldWhole;
    private EventClock? _begun;
    private string _life = "";

    private sealed record Held(HlsRendition[] Renditions, Variant?[] Variants, HeldPlaylist Playlist, FileFacts Facts);

    public StreamName Name => name;
    public string Scope { get; } = $"/{name.App}/{name.Stream}";

    /// <summary>The newest of each name.</summary>
    public HlsRendition[] Renditions => Volatile.Read(ref _renditions);

    public bool IsEmpty => Renditions.Length == 0;

    /// <summary>For who waits for the first segment of any.</summary>
    public HlsStream? Newest => Renditions is { Length: > 0 } renditions ? renditions[^1].Stream : null;

    /// <summary>There is more to it than a stream of its name.</summary>
    public bool HasLabels
    {
        get
        {
            foreach (var rendition in Renditions)
            {
                if (rendition.Stream.Name != name)
                    return true;
            }
            return false;
        }
    }

    /// <summary>Of those that are there. Whoever begins when all others are over begins anew.</summary>
    public EventClock? Clock
    {
        get
        {
            foreach (var rendition in Renditions)
            {
                if (!rendition.Stream.IsOver)
                    return rendition.Stream.Clock;
            }
            return null;
        }
    }

    public bool HasRoomFor(in StreamName stream) => Renditions.Length < Most || IndexOf(stream) >= 0;

    public HlsRendition Join(HlsStream stream)
    {
        if (stream.Clock != _begun)
            (_begun, _life) = (stream.Clock, stream.Life);
        var rendition = new HlsRendition(this, stream);
        var index = IndexOf(stream.Name);
        HlsRendition[] renditions = index < 0 ? [.. _renditions, rendition] : [.. _renditions];
        if (index >= 0)
            renditions[index] = rendition;
        Volatile.Write(ref _renditions, renditions);
        return rendition;
    }

    public void Leave(HlsStream stream) => Volatile.Write(ref _renditions, Array.FindAll(_renditions, r => r.Stream != stream));

    /// <summary>Null: nothing of it has a segment yet.</summary>
    public HeldPlaylist? Multivariant(bool isWhole, out FileFacts facts)
    {
        ref var place = ref isWhole ? ref _heldWhole : ref _held;
        var renditions = Renditions;
        var presence = PresenceOf(renditions);
        var held = Volatile.Read(ref place);
        if (held is null || !IsOf(held, renditions, presence))
        {
            if (presence == Presence.None)
            {
                facts = default;
                return null;
            }
            // Once a segment; where two come at once, twice.
            Volatile.Write(ref place, held = Make(renditions, presence, isWhole));
        }
        facts = held.Facts;
        return held.Playlist;
    }

    /// <summary>Who is named: those whose publisher is there; where all are away, who may come back; at the end, what there was.</summary>
    private static Presence PresenceOf(HlsRendition[] renditions)
    {
        var most = Presence.None;
        foreach (var rendition in renditions)
            most = rendition.Presence > most ? rendition.Presence : most;
        return most;
    }

    private static Variant? VariantOf(HlsRendition rendition, Presence presence) => rendition.Presence >= presence ? rendition.Stream.Cmaf?.Current?.Variant : null;

    private static bool IsOf(Held held, HlsRendition[] renditions, Presence presence)
    {
        if (held.Renditions != renditions)
            return false;
        for (var i = 0; i < renditions.Length; i++)
        {
            if (!ReferenceEquals(held.Variants[i], VariantOf(renditions[i], presence)))
                return false;
        }
        return true;
    }

    private Held Make(HlsRendition[] renditions, Presence presence, bool isWhole)
    {
        var variants = Array.ConvertAll(renditions, r => VariantOf(r, presence));
        var named = new List<(HlsRendition Rendition, Variant Variant)>();
        for (var i = 0; i < variants.Length; i++)
        {
            if (variants[i] is { } variant)
                named.Add((renditions[i], variant));
        }
        named.Sort(static (a, b) => BestFirst(a, b));
        // Of those that a phone can play the best; where there is none the least.
        var first = named.FindIndex(static n => n.Variant.Video is { Height: <= FirstLines });
        first = first < 0 ? named.Count - 1 : first;
        if (first > 0)
        {
            var begin = named[first];
            named.RemoveAt(first);
            named.Insert(0, begin);
        }
        var forms = MultivariantText.Write(named.ConvertAll(n => Place(n.Variant, n.Rendition, presence)), isWhole);
        // First the event's life, as in a stream's own: who saw it end knows by it that what is still there is not another.
        var tag = $"\"{_life}-" + Convert.ToHexStringLower(SHA256.HashData(forms.Plain.Span).AsSpan(0, 8)) + "\"";
        var playlist = new HeldPlaylist(PlaylistTemplate.Parse(forms.Plain, $"{Scope}.m3u8", []), forms.Plain.Span, Scope, age: 1);
        return new Held(renditions, variants, playlist, new FileFacts("application/vnd.apple.mpegurl", "", tag, "", 0));
    }

    private PlacedVariant Place(Variant variant, HlsRendition rendition, Presence presence)
    {
        var sound = SoundOf(rendition, variant, presence).Stream;
        return new(variant, $"{name.Stream}/{rendition.Stream.Life}/", sound.Name.Stream, $"{name.Stream}/{sound.Life}/");
    }

    /// <summary>
    /// The stream whose sound goes with a picture: of those that have the same sound from the same encoder the one that came first, for a player that goes from one
    /// picture to another need not change the sound then (hls.js 1.7 stands still for half a second where it does). Of another encoder it would not fit to the lips.
    /// </summary>
    public HlsRendition SoundOf(HlsRendition rendition, Variant variant, Presence presence)
    {
        foreach (var other in Renditions)
        {
            if (other != rendition && other.Stream.Base == rendition.Stream.Base && VariantOf(other, presence) is { } first && first.HasSoundOf(variant))
                return other;
            if (other == rendition)
                break;
        }
        return rendition;
    }

    /// <summary>By what does not change while it is sent: the picture's lines and rate, then the name.</summary>
    private static int BestFirst(in (HlsRendition Rendition, Variant Variant) a, in (HlsRendition Rendition, Variant Variant) b)
    {
        var order = (b.Variant.Video?.Height ?? 0).CompareTo(a.Variant.Video?.Height ?? 0);
        if (order == 0)
            order = b.Variant.FrameRate.CompareTo(a.Variant.FrameRate);
        return order != 0 ? order : string.CompareOrdinal(a.Rendition.Stream.Name.Stream, b.Rendition.Stream.Name.Stream);
    }

    private int IndexOf(StreamName stream) => Array.FindIndex(_renditions, r => r.Stream.Name == stream);
}

internal enum Presence : byte
{
    None,
    Ended,
    Away,
    Live,
}

/// <summary>A stream as one of an event's.</summary>
internal sealed class HlsRendition(HlsEvent @event, HlsStream stream) : IOtherRenditions
{
    public HlsEvent Event => @event;
    public HlsStream Stream => stream;

    public Presence Presence => stream.Cmaf?.Current is null ? Presence.None : stream.IsOver ? Presence.Ended : stream.IsAway ? Presence.Away : Presence.Live;

    public void WriteReports(StringBuilder text, TrackKind kind)
    {
        foreach (var other in @event.Renditions)
        {
            if (other.Presence != Presence.Live || other.Stream.Cmaf?.Current is not { } view)
                continue;
            var baseUri = other == this ? "" : $"../{other.Stream.Life}/";
            if (other != this || kind != TrackKind.Video)
                view.WriteReport(text, TrackKind.Video, baseUri);
            // Of sound that several have in common one is named.
            if ((other != this || kind != TrackKind.Audio) && @event.SoundOf(other, view.Variant, Presence.Live) == other)
                view.WriteReport(text, TrackKind.Audio, baseUri);
        }
    }
}
