using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XLive.Server.Accounts;
using XLive.Server.Settings;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests.Accounts;

/// <summary>Tokens of another issuer: what it says counts, what anybody else says in its name does not, and its silence hurts nobody.</summary>
public sealed class IssuerTests
{
    private static async Task<TokenFault> FaultOf(AccountsHost host, string token)
    {
        var (who, fault) = await host.Get<Bearers>().ReadAsync(token);
        Assert.Equal(fault == TokenFault.None, who is not null);
        using var answer = await host.Fetch("/who", token);
        Assert.Equal(fault == TokenFault.None ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, answer.StatusCode);
        return fault;
    }

    private static void Asked(FakeIssuer issuer, int times) => Until.Equal(times, () => issuer.Asked, "how often the issuer was asked");

    [Fact]
    public async Task What_it_signed_counts_and_leaves_nothing_behind()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        foreach (var algorithm in (string[])["ES256", "RS256", "PS256"])
        {
            var token = issuer.Token(algorithm);
            using var who = await host.Fetch("/who", token);
            Assert.Equal((HttpStatusCode.OK, "issuer auth0|7"), (who.StatusCode, await AccountsHost.Text(who)));
            Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/monitored", token)).StatusCode);
            Assert.Equal(HttpStatusCode.Forbidden, (await host.Fetch("/administered", token)).StatusCode);
            using var me = JsonDocument.Parse(await AccountsHost.Text(await host.Fetch("/api/v1/me", token)));
            Assert.Equal(("issuer auth0|7", false, JsonValueKind.Null),
                (me.RootElement.GetProperty("name").GetString(), me.RootElement.GetProperty("by_address").GetBoolean(), me.RootElement.GetProperty("has_password").ValueKind));
            // It opens nobody else's account, and ends no sign-in.
            Assert.Equal(HttpStatusCode.Forbidden, (await host.Send(HttpMethod.Put, "/api/v1/users/admin/password", """{"password":"another one 12"}""", token)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await host.Send(HttpMethod.Post, "/logout", null, token)).StatusCode);
        }
        Assert.Equal(1, issuer.Asked);
        Assert.Equal(["admin"], host.Users.All.Select(u => u.Name));
        using (var beside = host.OpenBeside())
        {
            foreach (var table in (string[])["sign_ins", "refresh_tokens", "api_tokens", "sign_in_links"])
                Assert.Equal(0, beside.First($"SELECT COUNT(*) FROM {table}", static row => row.Int64(0)));
        }
        // Ours count beside them.
        var (own, _) = await host.SignIn();
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/administered", own)).StatusCode);
    }

    [Fact]
    public async Task Without_such_a_setting_it_is_a_stranger()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync();
        Assert.Equal(TokenFault.Key, await FaultOf(host, issuer.Token()));
        Assert.Equal(TokenFault.Algorithm, await FaultOf(host, issuer.Token("RS256")));
        Assert.Equal(0, issuer.Asked);
    }

    [Fact]
    public async Task Whatever_is_forged_is_refused()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        using var theirs = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        issuer.Keys.Add(FakeIssuer.Jwk(issuer.Modulus, "only-rs", ",\"alg\":\"RS256\""));
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        string Forged(string head, string claims)
        {
            var signed = $"{FakeIssuer.B64(head)}.{FakeIssuer.B64(claims)}";
            return signed + "." + FakeIssuer.B64(theirs.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256));
        }
        // A key of the attacker's own, named or brought along.
        Assert.Equal(TokenFault.Signature, await FaultOf(host, Forged(FakeIssuer.Head("ES256", "ec"), FakeIssuer.Claims())));
        Assert.Equal(TokenFault.Signature, await FaultOf(host, Forged(FakeIssuer.Head("ES256", "ec", $",\"jwk\":{FakeIssuer.Jwk(theirs, "ec")}"), FakeIssuer.Claims())));
        Assert.Equal(TokenFault.Key, await FaultOf(host, Forged(FakeIssuer.Head("ES256", "theirs", $",\"jwk\":{FakeIssuer.Jwk(theirs, "theirs")}"), FakeIssuer.Claims())));
        Assert.Equal(TokenFault.Key, await FaultOf(host, Forged("""{"alg":"ES256"}""", FakeIssuer.Claims())));
        // A claim changed under a signature that was right.
        var parts = issuer.Token().Split('.');
        Assert.Equal(TokenFault.Signature, await FaultOf(host, $"{parts[0]}.{FakeIssuer.B64(FakeIssuer.Claims(",\"permissions\":[\"admin\"]"))}.{parts[2]}"));
        Assert.Equal(TokenFault.Signature, await FaultOf(host, $"{parts[0]}.{parts[1]}.{FakeIssuer.B64(new byte[64])}"));
        Assert.Equal(TokenFault.Signature, await FaultOf(host, $"{parts[0]}.{parts[1]}."));
        // No signature at all.
        foreach (var none in (string[])["none", "None", "NONE", "", "ES384", "RS512", "es256"])
        {
            Assert.Equal(TokenFault.Algorithm, await FaultOf(host, issuer.Sign("ES256", FakeIssuer.Head(none, "ec"), FakeIssuer.Claims())));
            Assert.Equal(TokenFault.Algorithm, await FaultOf(host, $"{FakeIssuer.B64(FakeIssuer.Head(none, "ec"))}.{parts[1]}."));
        }
        // The public key as the secret of a MAC, in each form that it is had in.
        foreach (var kid in (string[])["ec", "rsa"])
        {
            var signed = $"{FakeIssuer.B64(FakeIssuer.Head("HS256", kid))}.{parts[1]}";
            foreach (var secret in (byte[][])[Encoding.ASCII.GetBytes(issuer.Modulus.ExportSubjectPublicKeyInfoPem()), issuer.Modulus.ExportSubjectPublicKeyInfo(),
                Encoding.ASCII.GetBytes(issuer.Modulus.ExportRSAPublicKeyPem()), Encoding.ASCII.GetBytes(issuer.Curve.ExportSubjectPublicKeyInfoPem()), Encoding.UTF8.GetBytes(issuer.Set), []])
                Assert.Equal(TokenFault.Algorithm, await FaultOf(host, $"{signed}.{FakeIssuer.B64(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(signed)))}"));
        }
        // One kind of key under the other's algorithm.
        Assert.Equal(TokenFault.Algorithm, await FaultOf(host, issuer.Token("RS256", kid: "ec")));
        Assert.Equal(TokenFault.Algorithm, await FaultOf(host, issuer.Token("ES256", kid: "rsa")));
        Assert.Equal(TokenFault.Algorithm, await FaultOf(host, issuer.Token("PS256", kid: "only-rs")));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token("RS256", kid: "only-rs")));
        Assert.Equal(TokenFault.Signature, await FaultOf(host, issuer.Sign("RS256", FakeIssuer.Head("PS256", "rsa"), FakeIssuer.Claims())));
        // What must not be passed over, and tokens that are for something else.
        foreach (var more in (string[])[",\"crit\":[\"exp\"]", ",\"b64\":false", ",\"zip\":\"DEF\""])
            Assert.Equal(TokenFault.Form, await FaultOf(host, issuer.Sign("ES256", FakeIssuer.Head("ES256", "ec", more), FakeIssuer.Claims())));
        foreach (var type in (string[])["logout+jwt", "dpop+jwt", "secevent+jwt"])
            Assert.Equal(TokenFault.Form, await FaultOf(host, issuer.Sign("ES256", $$"""{"alg":"ES256","typ":"{{type}}","kid":"ec"}""", FakeIssuer.Claims())));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Sign("ES256", """{"alg":"ES256","typ":"at+jwt","kid":"ec","x5t":"abc"}""", FakeIssuer.Claims())));
        Assert.Equal(TokenFault.TooLong, await FaultOf(host, issuer.Token(claims: FakeIssuer.Claims($",\"x\":\"{new string('x', 8 << 10)}\""))));
        // In our own name: by our key's id it is ours, or nobody's.
        var ourKid = Path.GetFileNameWithoutExtension(Directory.GetFiles(Path.Combine(host.DataDir, "keys"), "jwt-*.pem").Single())["jwt-".Length..];
        const string AsAdmin = """{"iss":"xlive","aud":"xlive","sub":"admin","permissions":["admin"],"iat":1740830400,"exp":1740831300,"jti":"x","sid":"s"}""";
        Assert.Equal(TokenFault.Signature, await FaultOf(host, issuer.Token(claims: AsAdmin, kid: ourKid)));
        Assert.Equal(TokenFault.Claims, await FaultOf(host, issuer.Token(claims: AsAdmin)));
    }

    [Theory]
    [InlineData("\"exp\":1740831300", "\"exp\":1740830340", TokenFault.Expired)]
    [InlineData("\"exp\":1740831300", "\"exp\":1740830341", TokenFault.None)]
    [InlineData("\"exp\":1740831300", "\"exp\":1e999", TokenFault.Claims)]
    [InlineData("\"exp\":1740831300", "\"exp\":\"1740831300\"", TokenFault.Claims)]
    [InlineData("\"exp\":1740831300", "\"nbf\":1740830400", TokenFault.Claims)]
    [InlineData("\"exp\":1740831300", "\"exp\":1740831300,\"exp\":1740831300", TokenFault.Claims)]
    [InlineData("\"iat\":1740830400", "\"iat\":1740830461", TokenFault.NotYet)]
    [InlineData("\"iat\":1740830400", "\"nbf\":1740830461", TokenFault.NotYet)]
    [InlineData("\"iat\":1740830400", "\"nbf\":1740830460", TokenFault.None)]
    [InlineData("\"iat\":1740830400", "\"nbf\":\"soon\"", TokenFault.Claims)]
    [InlineData("\"iss\":\"https://id.example/\"", "\"iss\":\"https://id.example\"", TokenFault.Claims)]
    [InlineData("\"iss\":\"https://id.example/\"", "\"iss\":[\"https://id.example/\"]", TokenFault.Claims)]
    [InlineData("\"iss\":\"https://id.example/\",", "", TokenFault.Claims)]
    [InlineData("\"aud\":\"xlive.example\"", "\"aud\":\"xlive.example.evil\"", TokenFault.Claims)]
    [InlineData("\"aud\":\"xlive.example\"", "\"aud\":[\"other\"]", TokenFault.Claims)]
    [InlineData("\"aud\":\"xlive.example\"", "\"aud\":[\"other\",\"xlive.example\"]", TokenFault.None)]
    [InlineData("\"aud\":\"xlive.example\",", "", TokenFault.Claims)]
    [InlineData("\"sub\":\"auth0|7\"", "\"sub\":\"\"", TokenFault.Claims)]
    [InlineData("\"sub\":\"auth0|7\"", "\"sub\":\"a\\nb\"", TokenFault.Claims)]
    [InlineData("\"sub\":\"auth0|7\"", "\"sub\":\"\\ud800\"", TokenFault.Claims)]
    [InlineData("\"sub\":\"auth0|7\",", "", TokenFault.Claims)]
    [InlineData("\"sub\":\"auth0|7\"", "\"sub\":\"auth0|7\",\"\\ud800\":1", TokenFault.Claims)]
    [InlineData("\"permissions\":[\"monitor\"]", "\"permissions\":\"\\ud800\"", TokenFault.Claims)]
    [InlineData("[\"monitor\"]", "{\"monitor\":true}", TokenFault.Claims)]
    [InlineData("[\"monitor\"]", "[1]", TokenFault.Claims)]
    [InlineData("[\"monitor\"]", "[\"monitor\"],\"streams\":[\"nonsense\"]", TokenFault.Claims)]
    public async Task Its_claims_are_asked_for_who_when_and_for_whom(string right, string other, TokenFault fault)
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        Assert.Contains(right, FakeIssuer.Claims(), StringComparison.Ordinal);
        Assert.Equal(fault, await FaultOf(host, issuer.Token(claims: FakeIssuer.Claims().Replace(right, other, StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("", "", "")]
    [InlineData(",\"permissions\":[]", "", "")]
    [InlineData(",\"permissions\":[\"publish\",\"read:users\",\"Admin\"]", "publish", "")]
    [InlineData(",\"permissions\":[\"xlive:publish\",\"other:admin\"]", "publish", "")]
    [InlineData(",\"roles\":[\"admin\"]", "admin", "")]
    [InlineData(",\"scope\":\"openid monitor subscribe\"", "subscribe,monitor", "")]
    [InlineData(",\"permissions\":[\"monitor\"],\"roles\":[\"admin\"],\"scope\":\"admin\"", "monitor", "")]
    [InlineData(",\"permissions\":[],\"scope\":\"admin\"", "", "")]
    [InlineData(",\"permissions\":[\"publish\"],\"streams\":[\"wida/*\",\"live/cam\"]", "publish", "wida/* live/cam")]
    [InlineData(",\"scope\":\"publish\",\"streams\":\"live/cam-* **\"", "publish", "live/cam-* **")]
    [InlineData(",\"realm_access\":{\"roles\":[\"admin\"]}", "", "")]
    public async Task It_gives_what_it_says_and_no_more(string claims, string permissions, string streams)
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        var (who, _) = await host.Get<Bearers>().ReadAsync(issuer.Token(claims: FakeIssuer.Claims(claims)));
        Assert.Equal((permissions, streams), (string.Join(',', who!.Permissions.Names()), who.Streams.ToString()));
    }

    [Fact]
    public async Task Keys_that_prove_nothing_are_passed_over()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        using var weak = RSA.Create(1024);
        var q = issuer.Curve.ExportParameters(true);
        var n = FakeIssuer.B64(issuer.Modulus.ExportParameters(false).Modulus!);
        issuer.Keys.AddRange([
            """{"kty":"oct","kid":"oct","alg":"HS256","k":"AAAA"}""", "5", "null", "[]", "{}",
            FakeIssuer.Jwk(issuer.Curve, "enc", ",\"use\":\"enc\""), FakeIssuer.Jwk(issuer.Curve, "ops", ",\"key_ops\":[\"encrypt\"]"),
            FakeIssuer.Jwk(issuer.Curve, "private", $",\"d\":\"{FakeIssuer.B64(q.D!)}\""), FakeIssuer.Jwk(issuer.Curve, "alg", ",\"alg\":\"ES384\""),
            FakeIssuer.Jwk(issuer.Curve, "curve").Replace("P-256", "P-384", StringComparison.Ordinal), FakeIssuer.Jwk(issuer.Curve, ""),
            FakeIssuer.Jwk(issuer.Curve, "short").Replace("\"y\":\"", "\"y\":\"AA\",\"z\":\"", StringComparison.Ordinal),
            $$"""{"kty":"EC","crv":"P-256","kid":"off","x":"{{FakeIssuer.B64(new byte[32])}}","y":"{{FakeIssuer.B64(new byte[32])}}"}""",
            FakeIssuer.Jwk(weak, "weak"), $$"""{"kty":"RSA","kid":"one","n":"{{n}}","e":"AQ"}""", $$"""{"kty":"RSA","kid":"even","n":"{{n}}","e":"AQAA"}""",
            $$"""{"kty":"RSA","kid":"slow","n":"{{n}}","e":"{{n}}"}""", $$"""{"kty":"RSA","kid":"text","n":"!!","e":"AQAB"}""", $$"""{"kty":"RSA","kid":"padded","n":"{{n}}==","e":"AQAB"}""", FakeIssuer.Jwk(issuer.Modulus, "number", ",\"alg\":256"),
            FakeIssuer.Jwk(issuer.Curve, "twice"), FakeIssuer.Jwk(issuer.Modulus, "twice"),
            FakeIssuer.Jwk(issuer.Curve, "good", ",\"use\":\"sig\",\"alg\":\"ES256\",\"key_ops\":[\"verify\"],\"x5c\":[\"x\"]"),
        ]);
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        foreach (var kid in (string[])["enc", "ops", "private", "alg", "curve", "short", "off", "twice"])
            Assert.Equal((kid, TokenFault.Key), (kid, await FaultOf(host, issuer.Token(kid: kid))));
        foreach (var kid in (string[])["weak", "one", "even", "slow", "text", "padded", "number", "twice"])
            Assert.Equal((kid, TokenFault.Key), (kid, await FaultOf(host, issuer.Token("RS256", kid: kid))));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token(kid: "good")));
        Assert.Equal(3, host.Get<IssuerKeys>().Count);
    }

    [Fact]
    public async Task Strangers_with_keys_nobody_knows_do_not_make_it_ask()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        for (var round = 1; round <= 2; round++)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => host.Fetch("/who", issuer.Token(kid: $"stranger-{i}"))));
            Assert.All(answers, static a => Assert.Equal(HttpStatusCode.Unauthorized, a.StatusCode));
            // Once by those who came, at most, for each time that the pause was over.
            Assert.Equal(round, issuer.Asked);
            host.Clock.Pass(TimeSpan.FromSeconds(10));
        }
    }

    [Fact]
    public async Task A_key_that_is_new_counts_at_once_and_one_taken_back_within_ten_minutes()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        host.Clock.Pass(TimeSpan.FromSeconds(10));
        issuer.Keys[0] = FakeIssuer.Jwk(issuer.Curve, "ec-2");
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token(kid: "ec-2")));
        Assert.Equal(2, issuer.Asked);
        Assert.Equal(TokenFault.Key, await FaultOf(host, issuer.Token()));

        issuer.Keys.Clear();
        host.Clock.Pass(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token(kid: "ec-2")));
        Assert.Equal(2, issuer.Asked);
        host.Clock.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(TokenFault.Key, await FaultOf(host, issuer.Token(kid: "ec-2")));
        Assert.Equal(3, issuer.Asked);
    }

    [Fact]
    public async Task While_it_is_away_its_keys_count_on()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        issuer.Answer = static (http, _) => Aborted(http);
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        var keys = host.Get<IssuerKeys>();
        // Away from the start: nobody gets in, and it is said once.
        Assert.Equal(TokenFault.Key, await FaultOf(host, issuer.Token()));
        Assert.NotNull(keys.Trouble);
        issuer.Answer = null;
        host.Clock.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        Assert.Null(keys.Trouble);

        issuer.Answer = static (http, _) => Aborted(http);
        var late = issuer.Token(claims: FakeIssuer.Claims(now: 1740830400 + 86400));
        host.Clock.Pass(TimeSpan.FromDays(1));
        for (var i = 0; i < 3; i++)
        {
            var failed = keys.Failures;
            Assert.Equal(TokenFault.None, await FaultOf(host, late));
            Until.True(() => keys.Failures > failed && keys.Trouble is not null, "the trouble is known");
            host.Clock.Pass(TimeSpan.FromSeconds(11));
        }
        // Each time once, though every request may have asked again; the line stands in two files.
        Assert.Equal(2, host.AllLogs.Split('\n').Where(static l => l.Contains("auth.jwks_url: ", StringComparison.Ordinal)).Distinct().Count());
        issuer.Answer = null;
        // Who brings a key that is not known waits for what is asked for him.
        await Sessions.SessionApi.Eventually(async () =>
        {
            host.Clock.Pass(TimeSpan.FromSeconds(11));
            await host.Get<Bearers>().ReadAsync(issuer.Token(kid: "nobody"));
            return keys.Trouble is null;
        }, "it is back");
        Until.True(() => host.AllLogs.Split("auth.jwks_url answers again").Length - 1 == 2, "it is said");
        Assert.Equal(TokenFault.None, await FaultOf(host, late));
    }

    private static Task Aborted(HttpContext http)
    {
        http.Abort();
        return Task.CompletedTask;
    }

    [Fact]
    public async Task While_it_is_silent_nobody_waits_who_need_not()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        var keys = host.Get<IssuerKeys>();
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        var (own, _) = await host.SignIn();
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        issuer.Answer = (_, patience) => release.Task.WaitAsync(patience);
        keys.Patience = TimeSpan.FromMinutes(5);
        host.Clock.Pass(TimeSpan.FromSeconds(10));
        var strangers = Enumerable.Range(0, 20).Select(i => host.Fetch("/who", issuer.Token(kid: $"unknown-{i}"))).ToArray();
        Asked(issuer, 2);
        // They wait for one answer, and nobody for them.
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/who", own)).StatusCode);
            Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/who", issuer.Token())).StatusCode);
        }
        Assert.DoesNotContain(strangers, static s => s.IsCompleted);
        release.SetResult();
        Assert.All(await Task.WhenAll(strangers), static s => Assert.Equal(HttpStatusCode.Unauthorized, s.StatusCode));
        Assert.Equal(2, issuer.Asked);

        // Past its time it is given up, and its keys count.
        issuer.Answer = static (_, patience) => Task.Delay(Timeout.Infinite, patience);
        keys.Patience = TimeSpan.FromMilliseconds(100);
        host.Clock.Pass(TimeSpan.FromMinutes(10));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        Until.Equal("no answer within 0.1 s", () => keys.Trouble, "it is given up");
        // A head, and then drops of a body without end, are no answer either.
        issuer.Answer = static async (http, patience) =>
        {
            for (; ; await Task.Delay(10, patience))
                await http.Response.WriteAsync(" ", patience);
        };
        var failed = keys.Failures;
        host.Clock.Pass(TimeSpan.FromSeconds(10));
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        Until.True(() => keys.Failures > failed, "it is given up");
        Assert.Equal("no answer within 0.1 s", keys.Trouble);
    }

    [Fact]
    public async Task An_answer_beyond_all_measure_is_none()
    {
        await using var issuer = await FakeIssuer.StartAsync();
        await using var host = await AccountsHost.StartAsync(issuer.Options);
        var keys = host.Get<IssuerKeys>();
        Assert.Equal(TokenFault.None, await FaultOf(host, issuer.Token()));
        keys.Patience = TimeSpan.FromMinutes(1);
        host.Clock.Pass(TimeSpan.FromMinutes(10));
        var token = issuer.Token(claims: FakeIssuer.Claims(now: 1740830400 + 600));
        (string Said, Func<HttpContext, CancellationToken, Task> Answer)[] lies =
        [
            ("longer than 256 KiB", (http, stop) => http.Response.WriteAsync(issuer.Set + new string(' ', 256 << 10), stop)),
            ("longer than 256 KiB", static async (http, stop) =>
            {
                var block = new byte[64 << 10];
                while (true)
                    await http.Response.Body.WriteAsync(block, stop);
            }),
            ("more than 64 keys", (http, stop) => http.Response.WriteAsync($$"""{"keys":[{{string.Join(',', Enumerable.Range(0, 65).Select(i => FakeIssuer.Jwk(issuer.Curve, $"k{i}")))}}]}""", stop)),
            ("no set of keys", static (http, stop) => http.Response.WriteAsync("""{"keys":{}}""", stop)),
            ("no set of keys", static (http, stop) => http.Response.WriteAsync("[]", stop)),
            ("no well-formed JSON", static (http, stop) => http.Response.WriteAsync("<html>", stop)),
            ("no well-formed JSON", static (http, stop) => http.Response.WriteAsync(new string('[', 100_000), stop)),
            ("no well-formed JSON", static (http, stop) => http.Response.WriteAsync("""{"keys":[],"keys":[]}""", stop)),
            ("no well-formed JSON", static (http, stop) => http.Response.WriteAsync("""{"keys":[{"kid":"\ud800"}]}""", stop)),
            ("no well-formed JSON", static (http, stop) => http.Response.WriteAsync("""{"keys":[{"\ud800":1}]}""", stop)),
            ("it answers 302", (http, _) =>
            {
                http.Response.Redirect(issuer.Url + "2");
                return Task.CompletedTask;
            }),
            ("it answers 500", static (http, _) =>
            {
                http.Response.StatusCode = 500;
                return Task.CompletedTask;
            }),
        ];
        foreach (var (said, answer) in lies)
        {
            issuer.Answer = answer;
            var failed = keys.Failures;
            host.Clock.Pass(TimeSpan.FromSeconds(10));
            Assert.Equal(TokenFault.None, await FaultOf(host, token));
            Until.True(() => keys.Failures > failed, said);
            Until.True(() => keys.Trouble?.Contains(said, StringComparison.Ordinal) == true, $"{said}; it says {keys.Trouble}");
            Assert.Equal(2, keys.Count);
        }
    }

    [Theory]
    [InlineData("https://id.example/keys", "i", "a", null)]
    [InlineData("http://127.0.0.1:8080/keys", "i", "a", null)]
    [InlineData("http://[::1]/keys", "i", "a", null)]
    [InlineData("http://localhost/keys", "i", "a", null)]
    [InlineData("", "", "", null)]
    [InlineData("http://id.example/keys", "i", "a", "auth.jwks_url: must be https")]
    [InlineData("http://127.0.0.1.example/keys", "i", "a", "auth.jwks_url: must be https")]
    [InlineData("ftp://id.example/keys", "i", "a", "auth.jwks_url: must be an https URL")]
    [InlineData("id.example/keys", "i", "a", "auth.jwks_url: must be an https URL")]
    [InlineData("https://user:pass@id.example/keys", "i", "a", "auth.jwks_url: must not carry a user")]
    [InlineData("https://id.example/keys", "", "a", "auth.issuer: is needed with auth.jwks_url")]
    [InlineData("https://id.example/keys", "i", "", "auth.audience: is needed with auth.jwks_url")]
    [InlineData("", "i", "", "auth.issuer: says nothing without auth.jwks_url")]
    [InlineData("", "", "a", "auth.audience: says nothing without auth.jwks_url")]
    public void A_setting_that_would_let_in_others_stops_the_start(string url, string issuer, string audience, string? fault)
    {
        var input = new SettingsInput
        {
            Args = [$"--auth.jwks_url={url}", $"--auth.issuer={issuer}", $"--auth.audience={audience}"], WorkingDirectory = Path.GetTempPath(), SystemFile = "/none",
        };
        if (fault is null)
            ServerSettings.Load(input);
        else
            Assert.Contains(fault, Assert.Single(Assert.Throws<SettingsException>(() => ServerSettings.Load(input)).Faults).ToString(), StringComparison.Ordinal);
    }
}
