using System.Buffers.Binary;
using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>
/// An audio or video message of enhanced RTMP v2 (ExAudioTagHeader, ExVideoTagHeader) without its head: what is told, of which codec, and of several tracks
/// that which is asked for. A message that says nothing of tracks is of the first, whose id is 0.
/// </summary>
internal readonly struct ExTag
{
    public const int SequenceStart = 0;
    public const int CodedFrames = 1;
    public const int SequenceEnd = 2;

    /// <summary>Of video: shown when it is decoded.</summary>
    public const int CodedFramesX = 3;

    /// <summary>Colours of video; of audio where the channels are to be heard.</summary>
    public const int Description = 4;

    /// <summary>Of video: a transport stream's own descriptors in place of a configuration.</summary>
    public const int TransportSequenceStart = 5;

    private const int AudioMultitrack = 5;
    private const int VideoMultitrack = 6;
    private const int Modifier = 7;

    private const int ManyTracks = 1;
    private const int ManyTracksManyCodecs = 2;

    private const int MostNanoseconds = 999_999;

    public int Packet { get; private init; }
    public uint Name { get; private init; }
    public ReadOnlyMemory<byte> Body { get; private init; }

    /// <summary>To be added to the message's time, less than a millisecond.</summary>
    public int Nanoseconds { get; private init; }

    /// <summary>The track that was asked for is among those of the message.</summary>
    public bool HasTrack { get; private init; }

    /// <summary>How many of other tracks are in it.</summary>
    public int Others { get; private init; }

    /// <summary>A bit for each id in it; the last for those from there on.</summary>
    public ulong Tracks { get; private init; }

    /// <summary>What a message tells of one track, and of which codec. False: nothing that has to be read further, because of a fault or without one.</summary>
    public static bool TryOpen(ReadOnlyMemory<byte> message, bool isVideo, int track, out ExTag tag, out Codec codec, out FlvFault fault, out string text)
    {
        (codec, fault) = (default, FlvFault.None);
        if (!TryRead(message, isVideo, track, out tag, out text))
        {
            fault = FlvFault.CutShort;
            return false;
        }
        if (!tag.HasTrack || tag.Packet is SequenceEnd or Description)
            return false;
        if (FourCc.TryFind(isVideo, tag.Name, out codec))
            return true;
        (fault, text) = (FlvFault.UnknownCodec, (isVideo ? "video as " : "audio as ") + FourCc.Say(tag.Name));
        return false;
    }

    /// <param name="message">Not empty, and enhanced.</param>
    /// <param name="track">The id of that which is asked for.</param>
    public static bool TryRead(ReadOnlyMemory<byte> message, bool isVideo, int track, out ExTag tag, out string fault)
    {
        var bytes = message.Span;
        var (packet, at, nanoseconds) = (bytes[0] & 0x0F, 1, 0);
        tag = default;
        fault = "an enhanced tag that is cut short";
        while (packet == Modifier)
        {
            if (!TryReadModifier(bytes, ref at, ref packet, ref nanoseconds))
                return false;
        }
        if (packet != (isVideo ? VideoMultitrack : AudioMultitrack))
        {
            if (bytes.Length < at + 4)
                return false;
            tag = new()
            {
                Packet = packet,
                Name = BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]),
                Body = message[(at + 4)..],
                Nanoseconds = nanoseconds,
                HasTrack = track == 0,
                Others = track == 0 ? 0 : 1,
                Tracks = 1,
            };
            return true;
        }
        if (bytes.Length < at + 1)
            return false;
        var (kind, inner) = (bytes[at] >> 4, bytes[at] & 0x0F);
        if (kind > ManyTracksManyCodecs || inner == packet || inner == Modifier)
        {
            fault = "several tracks in a way that does not exist";
            return false;
        }
        return TryReadTracks(message, at + 1, kind, inner, track, nanoseconds, out tag);
    }

    private static bool TryReadTracks(ReadOnlyMemory<byte> message, int at, int kind, int packet, int track, int nanoseconds, out ExTag tag)
    {
        tag = default;
        var bytes = message.Span;
        uint name = 0;
        if (kind != ManyTracksManyCodecs && !TryReadName(bytes, ref at, out name))
            return false;
        var (others, tracks) = (0, 0UL);
        while (at < bytes.Length)
        {
            if (kind == ManyTracksManyCodecs && !TryReadName(bytes, ref at, out name))
                return false;
            var head = kind >= ManyTracks ? 4 : 1;
            if (bytes.Length < at + head)
                return false;
            int id = bytes[at];
            var length = kind >= ManyTracks ? (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3] : bytes.Length - at - head;
            at += head;
            if (length > bytes.Length - at)
                return false;
            tracks |= 1UL << Math.Min(id, 63);
            if (id == track && !tag.HasTrack)
                tag = new() { Packet = packet, Name = name, Body = message.Slice(at, length), Nanoseconds = nanoseconds, HasTrack = true };
            else
                others++;
            at += length;
        }
        tag = new() { Packet = tag.Packet, Name = tag.Name, Body = tag.Body, Nanoseconds = tag.Nanoseconds, HasTrack = tag.HasTrack, Others = others, Tracks = tracks };
        return true;
    }

    private static bool TryReadName(ReadOnlySpan<byte> bytes, ref int at, out uint name)
    {
        var isThere = bytes.Length >= at + 4;
        name = isThere ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : 0;
        at += 4;
        return isThere;
    }

    /// <summary>ModEx: what was added to the head, of which kind, and what follows. Kinds that nobody knows are passed over.</summary>
    private static bool TryReadModifier(ReadOnlySpan<byte> bytes, ref int at, ref int packet, ref int nanoseconds)
    {
        if (bytes.Length < at + 3)
            return false;
        var size = bytes[at++] + 1;
        if (size == 256)
        {
            size = BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]) + 1;
            at += 2;
        }
        if (bytes.Length < at + size + 1)
            return false;
        var data = bytes.Slice(at, size);
        at += size;
        (var kind, packet) = (bytes[at] >> 4, bytes[at] & 0x0F);
        at++;
        if (kind == 0 && size >= 3 && ((data[0] << 16) | (data[1] << 8) | data[2]) is <= MostNanoseconds and var told)
            nanoseconds = told;
        return true;
    }
}
