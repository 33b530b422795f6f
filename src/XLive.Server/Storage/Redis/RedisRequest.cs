using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace XLive.Server.Storage.Redis;

/// <summary>
/// One command on its way, and what becomes of it: an answer or an error, never an exception. Whoever waits goes on upon the pool, for
/// answers are read where sockets are polled.
/// </summary>
internal sealed class RedisRequest(byte[] bytes, long since, int answers = 1)
    : TaskCompletionSource<RespValue>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public byte[] Bytes => bytes;

    /// <summary>Monotonic.</summary>
    public long Since => since;

    /// <summary>The last of so many is the one that counts.</summary>
    public int Answers { get; set; } = answers;
}

/// <summary>A word of a command.</summary>
public readonly struct RedisWord
{
    private readonly string? _text;
    private readonly ReadOnlyMemory<byte> _bytes;

    private RedisWord(string? text, ReadOnlyMemory<byte> bytes)
    {
        _text = text;
        _bytes = bytes;
    }

    public static implicit operator RedisWord(string text) => new(text, default);

    public static implicit operator RedisWord(long number) => new(number.ToString(System.Globalization.CultureInfo.InvariantCulture), default);

    public static implicit operator RedisWord(byte[] bytes) => new(null, bytes);

    private int Length => _text is null ? _bytes.Length : Encoding.UTF8.GetByteCount(_text);

    /// <summary>A command as servers read it: a list of bulks.</summary>
    public static byte[] Write(params ReadOnlySpan<RedisWord> words)
    {
        const int Frame = 16;
        var size = Frame;
        foreach (var word in words)
            size += Frame + word.Length;
        var bytes = new byte[size];
        var at = Head(bytes, (byte)'*', words.Length);
        foreach (var word in words)
        {
            at += Head(bytes.AsSpan(at), (byte)'$', word.Length);
            if (word._text is { } text)
            {
                at += Encoding.UTF8.GetBytes(text, bytes.AsSpan(at));
            }
            else
            {
                word._bytes.Span.CopyTo(bytes.AsSpan(at));
                at += word._bytes.Length;
            }
            "\r\n"u8.CopyTo(bytes.AsSpan(at));
            at += 2;
        }
        return bytes.AsSpan(0, at).ToArray();
    }

    private static int Head(Span<byte> into, byte sign, int number)
    {
        into[0] = sign;
        Utf8Formatter.TryFormat(number, into[1..], out var digits);
        "\r\n"u8.CopyTo(into[(1 + digits)..]);
        return digits + 3;
    }
}

/// <summary>Lua that the server runs at one go. Called by its hash, and sent whole to a server that does not know it.</summary>
public sealed class RedisScript(string text)
{
    public string Text => text;

#pragma warning disable CA5350 // the name that Redis gives a script; it guards nothing
    public string Hash { get; } = Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5350
}
