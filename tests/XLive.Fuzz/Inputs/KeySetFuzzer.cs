using System.Buffers.Text;
using System.Numerics;
using XLive.Fuzz.Engine;
using XLive.Server.Accounts;

namespace XLive.Fuzz.Inputs;

/// <summary>Sets of another issuer's public keys. A key that counts is told by its own arithmetic: its point lies on the curve, its modulus is long enough.</summary>
public sealed class KeySetFuzzer : Fuzzer<byte[]>
{
    private static readonly BigInteger P = BigInteger.Parse("0ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", System.Globalization.NumberStyles.HexNumber);
    private static readonly BigInteger B = BigInteger.Parse("05ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b", System.Globalization.NumberStyles.HexNumber);

    // The base point and its multiples.
    private static readonly (string X, string Y)[] Points =
    [
        ("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"),
        ("fPJ7GI0DT36KUjgDBLUaw8CJaeJ38hs1pgtI_EdmmXg", "B3dVENuO0EApPZrGn3Qw27p9reY86YIpngS3nSJ4c9E"),
        ("Xsvk0aYzCkTI9--VHUvxZebGtyHvramF-0FmG8bn_Ww", "hzRkDEmY_343SwbOGmSi7NgqsDY4T7g9mnmxJ6J9UDI"),
        ("4lNKNTLQj7ugLd5lnuYr0AMf4tt4VZbvUJMCRGsDCFI", "4PFXWkxjPMcZ3-5f2oYtdk78lsPzDuAFXELCPxhO2MY"),
    ];

    private static readonly string[] Moduli = [Modulus(2048), Modulus(3072), Modulus(1024)];

    private IssuerKeySet? _set;

    public override string Name => "key-sets";

    public override string Target => "`IssuerKeySet`";

    // OpenSSL looks whether a point is on the curve.
    protected override TimeSpan Patience => TimeSpan.FromMilliseconds(5);

    protected override long AllocationRoom => 512 << 10;

    protected override string[] Tokens { get; } =
    [
        "\"", ":", ",", "{", "}", "[", "]", "null", "\"kty\":\"EC\",", "\"kty\":\"RSA\",", "\"kty\":\"oct\",", "\"kid\":\"a\",", "\"kid\":\"\",", "\"use\":\"enc\",", "\"use\":\"sig\",", "\"d\":\"AA\",", "\"alg\":\"HS256\",",
        "\"alg\":\"ES256\",", "\"alg\":5,", "\"key_ops\":[\"verify\"],", "\"key_ops\":[],", "\"crv\":\"P-384\",", "\"e\":\"AQ\"", "\"e\":\"AQAA\"", "\"n\":\"\"", "AAAA", "=", "\\ud800", "\"keys\":[]", "[[[[[[[[[[", " ",
    ];

    // Nobody looks whether it is of two primes.
    private static string Modulus(int bits)
    {
        var bytes = new byte[bits / 8];
        Dice.For("moduli", 1, bits).Fill(bytes);
        (bytes[0], bytes[^1]) = ((byte)(bytes[0] | 0x80), (byte)(bytes[^1] | 1));
        return Base64Url.EncodeToString(bytes);
    }

    protected override string Generate(Dice dice) =>
        $$"""{"keys":[{{string.Join(',', Enumerable.Range(0, dice.OneIn(50) ? 60 + dice.Below(10) : dice.Below(6)).Select(i => Key(dice, i)))}}]}""";

    private static string Key(Dice dice, int i)
    {
        var kid = dice.OneIn(8) ? "a" : $"k{i}";
        var more = dice.Pick("", "", ",\"use\":\"sig\"", ",\"use\":\"enc\"", ",\"key_ops\":[\"verify\"]", ",\"alg\":\"ES256\"", ",\"alg\":\"RS256\"", ",\"d\":\"AA\"", ",\"x5c\":[\"MIIB\"]");
        if (dice.OneIn(10))
            return dice.Pick("{}", "null", "5", """{"kty":"oct","kid":"o","k":"AA"}""");
        var (x, y) = dice.Pick<(string, string)>(Points);
        return dice.OneIn(2)
            ? $$"""{"kty":"EC","kid":"{{kid}}","crv":"P-256","x":"{{x}}","y":"{{(dice.OneIn(10) ? x : y)}}"{{more}}}"""
            : $$"""{"kty":"RSA","kid":"{{kid}}","n":"{{dice.Pick<string>(Moduli)}}","e":"{{dice.Pick("AQAB", "AQAB", "Aw", "AQ")}}"{{more}}}""";
    }

    protected override byte[] Read(string input) => Bytes(input);

    protected override bool Parse(byte[] input)
    {
        _set = null;
        try
        {
            _set = IssuerKeySet.Parse(input);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    protected override void Verify(byte[] input, bool accepted)
    {
        if (!accepted)
            return;
        var keys = (List<object?>)JsonText.Members(input)["keys"]!;
        FuzzFailure.Unless(keys.Count <= IssuerKeySet.MostKeys, "no more keys than are taken");
        var count = 0;
        foreach (var ofOneName in keys.OfType<Dictionary<string, object?>>().Where(IsUsable).GroupBy(static k => Text(k, "kid")!))
        {
            var isThere = _set!.Find(ofOneName.Key) is not null;
            count += isThere ? 1 : 0;
            // What a library takes for a modulus that was damaged is its own affair.
            if (ofOneName.All(static k => Text(k, "kty") == "EC" || Moduli.Contains(Text(k, "n"))))
                FuzzFailure.Equal(ofOneName.Count() == 1, isThere, $"the key {ofOneName.Key}");
        }
        FuzzFailure.Equal(count, _set!.Count, "keys");
    }

    private static bool IsUsable(Dictionary<string, object?> key)
    {
        if (Text(key, "kid") is not { Length: > 0 and <= 256 } || key.ContainsKey("d") || (key.ContainsKey("use") && Text(key, "use") != "sig"))
            return false;
        if (key.TryGetValue("key_ops", out var uses) && (uses as List<object?>)?.Contains("verify") != true)
            return false;
        if (key.ContainsKey("alg") && Text(key, "alg") is not ("ES256" or "RS256" or "PS256"))
            return false;
        if (Text(key, "kty") == "RSA")
            return Number(key, "n")?.GetBitLength() is >= 2048 and <= 4096 && Number(key, "e") is { IsEven: false } e && e >= 3 && e.GetBitLength() <= 32;
        if (Text(key, "kty") != "EC" || Text(key, "crv") != "P-256" || Number(key, "x") is not { } x || Number(key, "y") is not { } y
            || Site.Decoded(Text(key, "x")!)!.Length != 32 || Site.Decoded(Text(key, "y")!)!.Length != 32)
            return false;
        return x < P && y < P && (BigInteger.ModPow(y, 2, P) - BigInteger.ModPow(x, 3, P) + (3 * x) - B) % P == 0;
    }

    private static BigInteger? Number(Dictionary<string, object?> key, string name) =>
        Text(key, name) is { } text && Site.Decoded(text) is { } bytes ? new BigInteger(bytes, isUnsigned: true, isBigEndian: true) : null;

    private static string? Text(Dictionary<string, object?> key, string name) => key.GetValueOrDefault(name) as string;
}
