namespace XLive.Server.Playback.Vod.Cache;

internal sealed partial class DiskCache
{
    /// <summary>What answers the request, as it was when it went there. What must be whole comes with all its blocks.</summary>
    public async ValueTask<StoredObject?> FindAsync(Wanted wanted)
    {
        if (!MayRead || !DiskAdmission.IsKind(wanted.Kind))
            return null;
        var key = DiskName.KeyOf(wanted.Key);
        try
        {
            if (MayHave(key) && await _reader.RunAsync(() => Look(wanted, key), null) is { } seen && Take(wanted, seen) is { } found)
                return found;
        }
        catch (DiskSilentException)
        {
            return null;
        }
        Figures.Miss();
        return null;
    }

    private sealed record Seen(DiskVariant Variant, StoredHead Head, DiskPlace Place, byte[]? Body);

    private Seen? Look(Wanted wanted, UInt128 key)
    {
        if (Files.ReadHead(key) is not { } bytes)
            return null;
        if (!HeadFile.TryRead(bytes, out var text, out var variants))
            return Corrupt(key);
        if (text != wanted.Key)
            return null;
        foreach (var variant in variants)
        {
            var head = _heads.HeadOf(text, variant);
            if (_purges.Covers(text, variant.Purges) || !head.IsStorable || head.Store == StoreIn.Memory || _admission.IsKey(wanted.Path, variant.Length))
                return Lost(key);
            if (!DiskHeads.Answers(head, variant, wanted.Request))
                continue;
            var place = new DiskPlace(this, key, variant.Version, variant.Purges);
            if (!wanted.Kind.IsPlaylist && head.StrongTag is not null)
                return new Seen(variant, head, place, null);
            return ReadAll(variant, place) is { } body ? new Seen(variant, head, place, body) : null;
        }
        return null;
    }

    // Without one of its blocks the others are of no use.
    private byte[]? ReadAll(DiskVariant variant, DiskPlace place)
    {
        if (variant.Length > DiskAdmission.LargestIndivisible)
        {
            Forget(place.Key);
            return null;
        }
        var body = new byte[variant.Length];
        for (var at = 0; at < body.Length; at += Block.Size)
        {
            var name = place.NameOf(at >> Block.Bits);
            if (!_reader.ReadBlock(name, body.Length, body.AsSpan(at, Math.Min(Block.Size, body.Length - at)), out var isCorrupt))
            {
                if (isCorrupt)
                    Figures.FindCorrupt();
                Forget(place.Key);
                return null;
            }
            Index.Find(name)?.Used();
        }
        Figures.Hit(body.Length);
        return body;
    }

    private StoredObject? Take(Wanted wanted, Seen seen)
    {
        var (variant, head, place, body) = seen;
        var playlist = wanted.Kind.IsPlaylist ? _whole.Playlist(body!, wanted.Path, variant.Origin) : null;
        // As the one who brought it had asked, as far as it matters.
        var asked = new Wanted(wanted.Path, wanted.Query, DiskHeads.Request(variant.Sent)) { Purges = wanted.Purges };
        var found = new StoredObject(asked, head, variant.Length)
        {
            Origin = variant.Origin, Playlist = playlist, PlaylistTag = playlist is null ? "" : WholeObjects.TagOf(body),
        };
        if (found.Kind.IsPlaylist && (playlist is null || found.IsLive))
        {
            Forget(place.Key);
            return null;
        }
        found.Take(place);
        if (body is null)
            return found;
        if (!_whole.TryFill(found, body))
            return null;
        found.Unpin();
        return found;
    }

    private Seen? Lost(UInt128 key)
    {
        Forget(key);
        return null;
    }

    private Seen? Corrupt(UInt128 key)
    {
        Figures.FindCorrupt();
        return Lost(key);
    }
}
