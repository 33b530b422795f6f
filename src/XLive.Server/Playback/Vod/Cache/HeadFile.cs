using System.Buffers.Binary;
using System.Text;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>All heads that are kept under one key, the newest first, as one file: it is written anew for each change, so a crash leaves the old or the new.</summary>
internal static class HeadFile
{
    /// <summary>Sixteen variants of 32 KiB of fields, and as much again.</summary>
    public const int Largest = 1 << 20;

    private const int MostVariants = 16;
    private const int MostFields = 1024;
    private const uint Magic = 0x48434C58; // "XLCH"
    private const uint Format = 1;
    private const int Before = 16;

    // A key that is no text must not be read as another that is.
    private static readonly UTF8Encoding Strict = new(false, true);

    /// <summary>Null: longer than any head that was ever meant.</summary>
    public static byte[]? Write(string key, IReadOnlyList<DiskVariant> variants)
    {
        using var bytes = new MemoryStream();
        bytes.Write(stackalloc byte[Before]);
        using var into = new BinaryWriter(bytes, Encoding.UTF8);
        Write(into, key);
        into.Write((ushort)Math.Min(variants.Count, MostVariants));
        for (var i = 0; i < variants.Count && i < MostVariants; i++)
            Write(into, variants[i]);
        into.Flush();
        if (bytes.Length > Largest)
            return null;
        var file = bytes.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(file, Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(4), Format);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), file.Length - Before);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(12), Crc32C.Of(file.AsSpan(Before)));
        return file;
    }

    private static void Write(BinaryWriter into, DiskVariant variant)
    {
        into.Write(variant.Version);
        into.Write(variant.Length);
        into.Write(variant.Status);
        into.Write(variant.Purges);
        into.Write(variant.AskedAt);
        into.Write(variant.Received);
        into.Write((ushort)(variant.IsAuthorized ? 1 : 0));
        Write(into, variant.Origin);
        Write(into, variant.Sent);
        Write(into, variant.Headers);
    }

    private static void Write(BinaryWriter into, IReadOnlyList<KeyValuePair<string, string>> fields)
    {
        into.Write((ushort)Math.Min(fields.Count, MostFields));
        for (var i = 0; i < fields.Count && i < MostFields; i++)
        {
            Write(into, fields[i].Key);
            Write(into, fields[i].Value);
        }
    }

    private static void Write(BinaryWriter into, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        into.Write(bytes.Length);
        into.Write(bytes);
    }

    public static bool TryRead(ReadOnlySpan<byte> file, out string key, out List<DiskVariant> variants)
    {
        (key, variants) = ("", []);
        if (file.Length is < Before or > Largest || BinaryPrimitives.ReadUInt32LittleEndian(file) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(file[4..]) != Format || BinaryPrimitives.ReadInt32LittleEndian(file[8..]) != file.Length - Before
            || BinaryPrimitives.ReadUInt32LittleEndian(file[12..]) != Crc32C.Of(file[Before..]))
            return false;
        var from = new Reading(file[Before..]);
        key = from.Text();
        var count = from.Count(MostVariants);
        for (var i = 0; i < count && !from.IsBad; i++)
            variants.Add(from.Variant());
        return !from.IsBad && from.IsEnd;
    }

    /// <summary>Reads on over anything; that it was nothing shows at the end.</summary>
    private ref struct Reading(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public bool IsBad { get; private set; }
        public readonly bool IsEnd => _rest.IsEmpty;

        private ReadOnlySpan<byte> Take(int count)
        {
            if (IsBad || count < 0 || count > _rest.Length)
            {
                IsBad = true;
                return default;
            }
            var taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        private int Int32() => Take(sizeof(int)) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt32LittleEndian(bytes) : 0;

        private long Int64() => Take(sizeof(long)) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt64LittleEndian(bytes) : 0;

        public int Count(int most)
        {
            var count = Take(sizeof(ushort)) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : 0;
            IsBad |= count > most;
            return IsBad ? 0 : count;
        }

        public string Text()
        {
            try
            {
                return Strict.GetString(Take(Int32()));
            }
            catch (DecoderFallbackException)
            {
                IsBad = true;
                return "";
            }
        }

        private List<KeyValuePair<string, string>> Fields()
        {
            var fields = new List<KeyValuePair<string, string>>();
            for (var left = Count(MostFields); left > 0 && !IsBad; left--)
                fields.Add(KeyValuePair.Create(Text(), Text()));
            return fields;
        }

        public DiskVariant Variant()
        {
            var variant = new DiskVariant
            {
                Version = (ulong)Int64(), Length = Int64(), Status = Int32(), Purges = Int64(), AskedAt = Int64(), Received = Int64(),
                IsAuthorized = Count(1) == 1, Origin = Text(), Sent = Fields(), Headers = Fields(),
            };
            // Blocks are counted in an int.
            IsBad |= variant.Length is <= 0 or > 1L << 50 || variant.Status != 200;
            return variant;
        }
    }
}
