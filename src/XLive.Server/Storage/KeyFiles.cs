using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Storage;

/// <summary>
/// Secrets that the server makes for itself, a file each below data/keys. A file is written beside its place, synced and linked into
/// it, so a secret is there whole or not at all, and of two processes that make the same one both get the one that came first.
/// </summary>
public sealed class KeyFiles
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;
    private const int LongestFile = 64 << 10;

    private readonly string _dir;
    private readonly ILogger _log;

    public KeyFiles(DataOptions options, ILogger<KeyFiles> log)
    {
        _log = log;
        _dir = Path.Combine(options.MakeDir(), "keys");
        Directory.CreateDirectory(_dir, PrivateDirectory);
        Tighten(_dir, PrivateDirectory);
    }

    /// <summary>32 random bytes as base64url, made when there is none.</summary>
    public string ReadOrCreate(string name) => ReadOrCreate(name, RandomText);

    public string ReadOrCreate(string name, Func<string> make)
    {
        if (Read(name) is { } found)
        {
            return found;
        }
        Create(name, make());
        return Read(name) ?? throw new IOException($"the key file {name} vanished as it was made");
    }

    /// <summary>The bytes of a base64url secret; for text that an operator put there, its UTF-8.</summary>
    public byte[] ReadOrCreateBytes(string name)
    {
        string text = ReadOrCreate(name);
        return Base64Url.IsValid(text, out int length) && length >= 16 ? Base64Url.DecodeFromChars(text) : Encoding.UTF8.GetBytes(text);
    }

    public string? Read(string name)
    {
        string path = PathOf(name);
        if (!File.Exists(path))
        {
            return null;
        }
        Tighten(path, Private);
        if (new FileInfo(path).Length > LongestFile)
        {
            throw new InvalidDataException($"{path} is too long for a key");
        }
        string text = File.ReadAllText(path).Trim();
        // An empty key would sign what everybody can sign.
        return text.Length > 0 ? text : throw new InvalidDataException($"{path} is empty; remove it to have a new key made");
    }

    /// <summary>False when there is one already: a key is never written over.</summary>
    public bool Create(string name, string text)
    {
        string path = PathOf(name);
        string beside = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}.tmp";
        try
        {
            using (FileStream file = new(beside, new FileStreamOptions
            {
                Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private,
            }))
            {
                file.Write(Encoding.UTF8.GetBytes(text + "\n"));
                file.Flush(flushToDisk: true);
            }
            if (!Posix.TryPlace(beside, path))
            {
                return false;
            }
            Posix.SyncDirectory(_dir);
            return true;
        }
        finally
        {
            File.Delete(beside);
        }
    }

    public bool Delete(string name)
    {
        string path = PathOf(name);
        if (!File.Exists(path))
        {
            return false;
        }
        File.Delete(path);
        Posix.SyncDirectory(_dir);
        return true;
    }

    /// <summary>Names of the key files that begin and end so, in order.</summary>
    public IReadOnlyList<string> Names(string prefix, string suffix) =>
        [.. Directory.GetFiles(_dir)
            .Select(f => Path.GetFileName(f))
            .Where(f => f.StartsWith(prefix, StringComparison.Ordinal) && f.EndsWith(suffix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];

    public static string RandomText() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    private string PathOf(string name)
    {
        bool plain = name.Length is > 0 and <= 100 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        return plain ? Path.Combine(_dir, name) : throw new ArgumentException("not a plain file name", nameof(name));
    }

    private void Tighten(string path, UnixFileMode wanted)
    {
        UnixFileMode mode = File.GetUnixFileMode(path);
        if ((mode & ~wanted) == 0)
        {
            return;
        }
        _log.LogWarning("{Path} was open to others (mode {Mode}); it is private now, but what it holds may be known",
            path, Convert.ToString((int)mode, 8));
        File.SetUnixFileMode(path, wanted);
    }
}
