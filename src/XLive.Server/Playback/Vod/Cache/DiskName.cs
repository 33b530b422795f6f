using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Playback.Vod.Cache;

/// <summary>
/// A file of the cache: the head of all that is kept under one key, or one block of one version. Names are hashes: nothing that a
/// stranger wrote into a URL becomes a file name.
/// </summary>
internal readonly record struct DiskName(UInt128 Key, ulong Version, int Index)
{
    private const int KeyDigits = 32;
    private const int VersionDigits = 16;

    /// <summary>256 folders: of a million files each holds four thousand.</summary>
    public const int Folders = 256;

    public static DiskName Head(UInt128 key) => new(key, 0, -1);

    public bool IsHead => Index < 0;

    public int Folder => (int)(Key >> 120);

    /// <summary>Half of SHA-256: two paths that meet are told apart by the key that stands in the file, and cost each other their place.</summary>
    public static UInt128 KeyOf(string key)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(key), hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    public static string FolderName(int folder) => folder.ToString("x2", CultureInfo.InvariantCulture);

    public override string ToString() => IsHead ? $"{Key:x32}" : $"{Key:x32}.{Version:x16}.{Index:x}";

    public static bool TryParse(ReadOnlySpan<char> text, out DiskName name)
    {
        name = default;
        if (text.Length < KeyDigits || !TryHex(text[..KeyDigits], out UInt128 key))
            return false;
        var rest = text[KeyDigits..];
        if (rest.IsEmpty)
        {
            name = Head(key);
            return true;
        }
        if (rest.Length < VersionDigits + 3 || rest[0] != '.' || rest[VersionDigits + 1] != '.' || !TryHex(rest.Slice(1, VersionDigits), out var version)
            || !TryHex(rest[(VersionDigits + 2)..], out var index) || index > int.MaxValue)
            return false;
        name = new DiskName(key, (ulong)version, (int)index);
        // One name a file: what is written otherwise was not written here.
        return text.SequenceEqual(name.ToString());
    }

    private static bool TryHex(ReadOnlySpan<char> digits, out UInt128 value)
    {
        value = 0;
        return !digits.ContainsAnyExcept("0123456789abcdef") && UInt128.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }
}
