using System.Buffers.Text;
using XLive.Fuzz.Engine;
using XLive.Server.Accounts;

namespace XLive.Fuzz.Inputs;

/// <summary>JWTs of another issuer, as if all of them were signed: nobody may be more than his claims, read once more, say.</summary>
public sealed class IssuerTokenFuzzer : Fuzzer<string>
{
    private const string Issuer = "https://id.example/", Audience = "xlive.example";

    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(Site.Now);

    private static readonly string[] JsonTokens =
    [
        "\"", ":", ",", "{", "}", "[", "]", "null", "true", "-0", "1e999", "1e18", "\"exp\":", "\"exp\":1,", "\"alg\":\"none\",", "\"alg\":\"HS256\"", "\"alg\":\"RS256\"", "\"jwk\":{},", "\"crit\":[\"x\"],",
        "\"typ\":\"at+jwt\"", "\"typ\":\"logout+jwt\"", "\\ud800", "\\u0065xp", " ", "\n", "[[[[[[", "{\"a\":{\"a\":{\"a\":{", "\"permissions\":[\"admin\"],", "\"roles\":\"admin\",", "\"scope\":\"admin publish\",",
        "\"streams\":[\"**\"],", "\"streams\":\"live/*\",", "xlive:", "admin", "**", "live/*", "1800000001", "1799999999.5", "xlive.example", "[\"xlive.example\"]",
    ];

    private SignedIn? _who;

    public override string Name => "issuer-tokens";

    public override string Target => "`IssuerTokens`";

    protected override string[] Tokens { get; } = [".", "..", "=", "-", "_", "A", "e30", "W10", "bnVsbA", "+", "/", " ", "\u00e9", "\0"];

    protected override string Generate(Dice dice)
    {
        var head = $$"""{"alg":"{{dice.Pick("ES256", "RS256", "PS256", "ES256", "RS256", "PS256", "HS256")}}","typ":"{{dice.Pick("JWT", "JWT", "at+jwt", "AT+JWT", "x")}}","kid":"k1"}""";
        var rights = dice.Pick("", ",\"permissions\":[\"publish\",\"read:all\"]", ",\"roles\":[\"admin\"]", ",\"scope\":\"openid monitor\"", ",\"permissions\":[],\"scope\":\"admin\"", ",\"permissions\":\"xlive:subscribe\"");
        var streams = dice.Pick("", "", ",\"streams\":[\"live/*\",\"wida/a-*\"]", ",\"streams\":\"**\"", ",\"streams\":[]");
        var audience = dice.Pick("\"xlive.example\"", "[\"other\",\"xlive.example\"]", "\"xlive.example\"", "\"other\"");
        var nbf = dice.OneIn(4) ? $",\"nbf\":{Site.Now + dice.Below(200) - 100}" : "";
        var claims = $$"""{"iss":"{{Issuer}}","aud":{{audience}},"sub":"{{dice.Pick("auth0|7", "maria", "7")}}","exp":{{(dice.OneIn(6) ? dice.Number() : $"{Site.Now + dice.Below(900) - 100}")}}{{nbf}}{{rights}}{{streams}}}""";
        if (dice.OneIn(2))
            claims = Mutator.Mutate(claims, dice, JsonTokens, head);
        if (dice.OneIn(5))
            head = Mutator.Mutate(head, dice, JsonTokens, claims);
        return $"{Base64Url.EncodeToString(Bytes(head))}.{Base64Url.EncodeToString(Bytes(claims))}.{new string('A', dice.Below(100))}";
    }

    protected override bool Damages(Dice dice) => dice.OneIn(4);

    protected override string Read(string input) => input;

    protected override bool Parse(string input)
    {
        _who = null;
        if (TokenText.Split(input, out var parts) == TokenFault.None && IssuerTokens.Unlike(parts) == TokenFault.None)
            (_who, _) = IssuerTokens.Claims(parts, Issuer, Audience, Now);
        return _who is not null;
    }

    protected override void Verify(string input, bool accepted)
    {
        if (!accepted)
            return;
        var parts = input.Split('.');
        FuzzFailure.Unless(parts.Length == 3 && input.Length <= 8192 && Site.Decoded(parts[2]) is not null, "one spelling of three parts");
        var head = JsonText.Members(Site.Decoded(parts[0])!);
        FuzzFailure.Unless(head["alg"] is "ES256" or "RS256" or "PS256", "alg");
        FuzzFailure.Unless(!head.ContainsKey("crit") && !head.ContainsKey("zip") && !head.ContainsKey("b64"), "nothing that must be understood");
        FuzzFailure.Unless(!head.TryGetValue("typ", out var type) || (type as string)?.ToLowerInvariant() is "jwt" or "at+jwt" or "application/at+jwt", "typ");
        var claims = JsonText.Members(Site.Decoded(parts[1])!);
        FuzzFailure.Equal(Issuer, claims["iss"] as string, "iss");
        FuzzFailure.Unless(claims["aud"] is Audience || (claims["aud"] as List<object?>)?.Contains(Audience) == true, "aud");
        var subject = (string)claims["sub"]!;
        FuzzFailure.Unless(subject.Length is > 0 and <= 255 && subject.All(static c => c is >= '!' and <= '~'), "sub");
        FuzzFailure.Equal(("issuer " + subject, "issuer " + subject, Proof.Issuer), (_who!.Name, _who.Holder, _who.By), "who");
        FuzzFailure.Unless((double)claims["exp"]! is var exp && double.IsFinite(exp) && exp < 253402300800 && Math.Floor(exp) + 60 > Site.Now, "exp");
        FuzzFailure.Unless(!claims.TryGetValue("nbf", out var nbf) || (double)nbf! is >= 0 and < Site.Now + 61, "nbf");
        FuzzFailure.Unless(!claims.TryGetValue("iat", out var iat) || (double)iat! is >= 0 and < Site.Now + 61, "iat");
        var rights = claims.TryGetValue("permissions", out var said) || claims.TryGetValue("roles", out said) || claims.TryGetValue("scope", out said) ? Words(said) : [];
        var expected = Permission.None;
        foreach (var name in (string[])["publish", "subscribe", "monitor", "admin"])
        {
            if (rights.Contains(name) || rights.Contains("xlive:" + name))
                expected |= Enum.Parse<Permission>(name, ignoreCase: true);
        }
        FuzzFailure.Equal(expected, _who.Permissions, "permissions");
        FuzzFailure.Equal(string.Join(' ', claims.TryGetValue("streams", out var streams) ? Words(streams) : []), _who.Streams.ToString(), "streams");
    }

    private static string[] Words(object? value) => value is string text ? text.Split(' ', StringSplitOptions.RemoveEmptyEntries) : [.. ((List<object?>)value!).Select(static v => (string)v!)];
}
