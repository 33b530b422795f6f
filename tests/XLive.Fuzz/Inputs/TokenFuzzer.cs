using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using XLive.Fuzz.Engine;
using XLive.Server.Accounts;

namespace XLive.Fuzz.Inputs;

/// <summary>
/// JWTs, as if all of them were signed: no claim may be believed that this server would not have written. The damage is done to the
/// JSON first, since a token damaged as a whole is mostly no base64url any more.
/// </summary>
public sealed class TokenFuzzer : Fuzzer<string>
{
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(Site.Now);

    private SignedIn? _who;

    public override string Name => "tokens";

    public override string Target => "`TokenText`";

    protected override string[] Tokens { get; } = [".", "..", "=", "-", "_", "A", "e30", "W10", "bnVsbA", "+", "/", " ", "\u00e9", "\0", "eyJhbGciOiJub25lIn0"];

    private static readonly string[] JsonTokens =
    [
        "\"", ":", ",", "{", "}", "[", "]", "null", "true", "-0", "1e999", "-1", "1e18", "NaN", "\"exp\":", "\"exp\":1,", "\"alg\":\"none\",", "\"alg\":\"HS256\"", "ES256", "\"kid\":\"../../etc/passwd\"",
        "\"kid\":\"jwt\\u0000\"", "\"jwk\":{},", "\"crit\":[\"x\"],", "\"zip\":\"DEF\",", "\"typ\":\"at+jwt\"", "\\ud800", "\\u0065xp", " ", "\n", "[[[[[[", "{\"a\":{\"a\":{\"a\":{", "\u00ef\u00bb\u00bf",
        "\"permissions\":[\"admin\"],", "\"nbf\":99999999999", "\"sub\":\"\"", "\"sub\":\"root\"", "/**/", "1800000001", "1799999999.5",
    ];

    protected override string Generate(Dice dice)
    {
        var head = $$"""{"alg":"{{dice.Pick("ES256", "ES256", "ES256", "ES256", "ES256", "ES256", "ES256", "ES256", "none", "HS256", "es256")}}","typ":"JWT","kid":"{{dice.Pick("20260101000000-0a1b2c3d", "../jwt", "")}}"}""";
        var permissions = dice.Pick("""["admin"]""", """["admin"]""", """["admin"]""", """["monitor","publish"]""", "[]", """["root"]""", "\"admin\"");
        var exp = dice.OneIn(4) ? dice.Number() : $"{Site.Now + dice.Below(900) - 100}";
        var nbf = dice.OneIn(4) ? $",\"nbf\":{Site.Now + dice.Below(200) - 100}" : "";
        var claims = $$"""{"iss":"xlive","aud":"xlive","sub":"{{dice.Pick("admin", "maria", "a.b")}}","permissions":{{permissions}},"iat":{{Site.Now + dice.Below(100) - 30}},"exp":{{exp}}{{nbf}},"jti":"abcdefghijklmnop","sid":"s1"}""";
        if (dice.OneIn(2))
            claims = Mutator.Mutate(claims, dice, JsonTokens, head);
        if (dice.OneIn(5))
            head = Mutator.Mutate(head, dice, JsonTokens, claims);
        return $"{Base64Url.EncodeToString(Bytes(head))}.{Base64Url.EncodeToString(Bytes(claims))}.{new string('A', dice.OneIn(20) ? dice.Below(100) : 86)}";
    }

    protected override bool Damages(Dice dice) => dice.OneIn(4);

    protected override string Read(string input) => input;

    protected override bool Parse(string input)
    {
        _who = null;
        if (TokenText.Split(input, out var parts) == TokenFault.None && AccessTokens.Unlike(parts) == TokenFault.None)
            (_who, _) = AccessTokens.Claims(parts, Now);
        return _who is not null;
    }

    protected override void Verify(string input, bool accepted)
    {
        var parts = input.Split('.');
        if (!accepted)
        {
            // The other way round, for those that were not damaged at all.
            FuzzFailure.Unless(parts.Length != 3 || input.Length > 8192 || !IsOurs(parts), "refused, though this server would have written it");
            return;
        }
        FuzzFailure.Unless(parts.Length == 3 && input.Length <= 8192 && parts.All(static p => Site.Decoded(p) is { Length: > 0 }), "one spelling of three parts");
        FuzzFailure.Equal(64, Site.Decoded(parts[2])!.Length, "bytes of signature");
        var head = Members(Site.Decoded(parts[0])!);
        var claims = Members(Site.Decoded(parts[1])!);
        FuzzFailure.Equal("ES256", (string)head["alg"]!, "alg");
        FuzzFailure.Unless(head.Keys.All(static k => k is "alg" or "typ" or "kid"), "no member of the head that brings a key");
        FuzzFailure.Equal(("xlive", "xlive"), ((string)claims["iss"]!, (string)claims["aud"]!), "iss, aud");
        FuzzFailure.Equal((string)claims["sub"]!, _who!.Name, "sub");
        FuzzFailure.Unless((double)claims["exp"]! is var exp && double.IsFinite(exp) && exp < 253402300800 && Math.Floor(exp) + 60 > Site.Now, "exp");
        FuzzFailure.Unless((double)claims["iat"]! is >= 0 and <= Site.Now + 61, "iat");
        FuzzFailure.Unless(!claims.TryGetValue("nbf", out var nbf) || (double)nbf! is >= 0 and < Site.Now + 61, "nbf");
        FuzzFailure.Equal((long)Math.Floor(exp), _who.Until.ToUnixTimeSeconds(), "expires");
    }

    private static bool IsOurs(string[] parts) =>
        Site.Decoded(parts[0]) is { } head && Site.Decoded(parts[1]) is { } claims && Site.Decoded(parts[2]) is { Length: 64 }
        && Latin(head).StartsWith("""{"alg":"ES256","typ":"JWT","kid":""", StringComparison.Ordinal) && Latin(head).Count(static c => c == ':') == 3 && Latin(head).EndsWith("\"}")
        && System.Text.RegularExpressions.Regex.IsMatch(Latin(head) + Latin(claims), """
            \A\{"alg":"ES256","typ":"JWT","kid":"[^"\\\x00-\x1f\x80-\xff]*"\}\{"iss":"xlive","aud":"xlive","sub":"(admin|maria|a\.b)","permissions":(\["admin"\]|\["monitor","publish"\]|\[\]),"iat":1[78]\d{8},"exp":18000000[6-9]\d,"jti":"[a-z]+","sid":"s1"\}\z
            """.Trim())
        && long.Parse(Latin(claims).Split("\"iat\":")[1][..10]) <= Site.Now + 60;

    /// <summary>The members of an object, each of which may stand but once.</summary>
    private static Dictionary<string, object?> Members(byte[] json)
    {
        var members = new Dictionary<string, object?>();
        var reader = new Utf8JsonReader(json);
        reader.Read();
        FuzzFailure.Equal(JsonTokenType.StartObject, reader.TokenType, "JSON");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // Neither name nor value need be text where nobody reads them.
            var name = reader.ValueIsEscaped ? reader.GetString()! : Latin(reader.ValueSpan);
            reader.Read();
            FuzzFailure.Unless(members.TryAdd(name, reader.TokenType switch
            {
                JsonTokenType.String when name is "alg" or "iss" or "aud" or "sub" or "sid" => reader.GetString(),
                JsonTokenType.Number => double.Parse(Encoding.ASCII.GetString(reader.ValueSpan), System.Globalization.CultureInfo.InvariantCulture),
                _ => null,
            }), "given twice: " + name);
            reader.Skip();
        }
        return members;
    }
}
