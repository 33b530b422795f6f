using System.Buffers.Text;
using System.Numerics;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Fuzz.Engine;
using XLive.Server.Accounts;
using XLive.Server.Storage;

namespace XLive.Fuzz.Forgery;

/// <summary>Access tokens (JWT). A forgery is what is believed and has another head or other claims than any that were issued.</summary>
public sealed class TokenForgery : IForgery, IDisposable
{
    private static readonly BigInteger Order = BigInteger.Parse("115792089210356248762697446949407573529996955224135760342422259061068512044369", System.Globalization.CultureInfo.InvariantCulture);

    private static readonly string[] Heads =
    [
        """{"alg":"none"}""", """{"alg":"none","typ":"JWT"}""", """{"alg":"HS256","typ":"JWT","kid":"@"}""", """{"alg":"ES256","typ":"JWT","kid":"../jwt"}""", """{"alg":"ES256","typ":"JWT"}""",
        """{"alg":"ES256","typ":"JWT","kid":"@","jwk":{"kty":"EC"}}""", """{"alg":"ES256","kid":"@"}""", """{"alg":"ES384","typ":"JWT","kid":"@"}""",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-forgery-").FullName;
    private readonly AccessTokens _tokens;
    private readonly string[] _issued;
    private readonly HashSet<string> _signed;
    private readonly string _kid;

    public TokenForgery()
    {
        _tokens = new AccessTokens(new KeyFiles(new DataOptions { Dir = _folder }, NullLogger<KeyFiles>.Instance), new AuthOptions(), TimeProvider.System);
        _issued = [.. Enumerable.Range(0, 16).Select(i => _tokens.Issue(
            new User(i % 2 == 0 ? "admin" : $"user{i}", i % 2 == 0 ? Permission.Admin : Permission.Monitor, true, false, DateTimeOffset.UnixEpoch), $"s{i}"))];
        _signed = [.. _issued.Select(static t => t[..t.LastIndexOf('.')])];
        _kid = System.Text.Json.Nodes.JsonNode.Parse(Base64Url.DecodeFromChars(_issued[0].Split('.')[0]))!["kid"]!.GetValue<string>();
        if (!_issued.All(Accepts))
            throw new InvalidOperationException("an issued token is refused");
    }

    public string Name => "access tokens";

    public string Forge(Dice dice, out string from, out Trick trick)
    {
        from = _issued[dice.Below(_issued.Length)];
        var parts = from.Split('.');
        switch (dice.Below(12))
        {
            case 0: // another head, the signature kept, empty or the key's own text
                trick = Trick.Spliced;
                var head = dice.Pick<string>(Heads).Replace("@", _kid, StringComparison.Ordinal);
                return $"{Base64Url.EncodeToString(Fuzzer.Bytes(head))}.{parts[1]}.{dice.Pick(parts[2], "", new string('A', 86))}";
            case 1: // claims of one's own
                trick = Trick.Spliced;
                var claims = Fuzzer.Latin(Base64Url.DecodeFromChars(parts[1])).Replace("monitor", "admin", StringComparison.Ordinal).Replace("user", "uses", StringComparison.Ordinal);
                return $"{parts[0]}.{Base64Url.EncodeToString(Fuzzer.Bytes(claims + (claims.Contains("\"user", StringComparison.Ordinal) ? "" : " ")))}.{parts[2]}";
            case 2: // r and s of nothing, of the order, and the s that is as right as its negative
                trick = Trick.Spare;
                return $"{parts[0]}.{parts[1]}.{Signature(Base64Url.DecodeFromChars(parts[2]), dice)}";
            default:
                return Forger.Forge(from, '.', _issued[dice.Below(_issued.Length)], dice, out trick);
        }
    }

    private static string Signature(byte[] given, Dice dice)
    {
        var r = new BigInteger(given.AsSpan(0, 32), isUnsigned: true, isBigEndian: true);
        var s = new BigInteger(given.AsSpan(32), isUnsigned: true, isBigEndian: true);
        (r, s) = dice.Below(5) switch { 0 => (0, 0), 1 => (Order, Order), 2 => (r, Order - s), 3 => (s, r), _ => (1, 1) };
        var bytes = new byte[64];
        foreach (var (value, at) in ((BigInteger, int)[])[(r, 32), (s, 64)])
        {
            var written = value.ToByteArray(isUnsigned: true, isBigEndian: true);
            written.CopyTo(bytes, at - written.Length);
        }
        return Base64Url.EncodeToString(bytes);
    }

    public bool Accepts(string forged) => _tokens.Verify(forged).Who is not null;

    public bool SaysWhatWasSigned(string forged) => forged.Contains('.') && _signed.Contains(forged[..forged.LastIndexOf('.')]);

    public void Dispose()
    {
        _tokens.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
