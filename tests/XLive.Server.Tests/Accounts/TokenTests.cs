using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using XLive.Server.Accounts;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Accounts;

public sealed class TokenTestsOnSqlite() : TokenTests(DatabaseKind.Sqlite);

public sealed class TokenTestsOnPostgres() : TokenTests(DatabaseKind.Postgres);

public abstract class TokenTests(DatabaseKind kind) : AccountsTests(kind)
{
    private const string Claims =
        """{"iss":"xlive","aud":"xlive","sub":"admin","permissions":["admin"],"iat":1740830400,"exp":1740831300,"jti":"x","sid":"s"}""";

    private static string B64(string text) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(text));

    private static (ECDsa Key, string Kid) KeyOf(AccountsHost host)
    {
        string file = Directory.GetFiles(Path.Combine(host.DataDir, "keys"), "jwt-*.pem").Single();
        ECDsa key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        return (key, Path.GetFileNameWithoutExtension(file)["jwt-".Length..]);
    }

    private static string Sign(ECDsa key, string head, string claims)
    {
        string signed = $"{B64(head)}.{B64(claims)}";
        return $"{signed}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256))}";
    }

    [Fact]
    public async Task A_token_that_anybody_touched_is_refused()
    {
        await using AccountsHost host = await StartAsync();
        (string access, _) = await host.SignIn();
        AccessTokens tokens = host.Get<AccessTokens>();
        Assert.Equal(TokenFault.None, tokens.Verify(access).Fault);
        for (int i = 0; i < access.Length; i++)
        {
            char[] forged = access.ToCharArray();
            forged[i] = forged[i] == 'A' ? 'B' : 'A';
            Assert.NotEqual(TokenFault.None, tokens.Verify(new string(forged)).Fault);
        }
        foreach (string forged in (string[])[access + "=", access + " ", access + ".", access + "A", access[..^1], $"{access}.x", "", ".", "..", "...", "x"])
        {
            Assert.Null(tokens.Verify(forged).Who);
        }
        using HttpResponseMessage answer = await host.Fetch("/who", access[..^4] + "AAAA");
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("Bearer error=\"invalid_token\"", answer.Headers.WwwAuthenticate.ToString());
    }

    [Fact]
    public async Task Other_algorithms_and_other_keys_are_refused()
    {
        await using AccountsHost host = await StartAsync();
        AccessTokens tokens = host.Get<AccessTokens>();
        (ECDsa key, string kid) = KeyOf(host);
        using ECDsa theirs = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string good = $$"""{"alg":"ES256","typ":"JWT","kid":"{{kid}}"}""";
        Assert.Equal(TokenFault.None, tokens.Verify(Sign(key, good, Claims)).Fault);
        Assert.Equal(TokenFault.Signature, tokens.Verify(Sign(theirs, good, Claims)).Fault);
        foreach (string alg in (string[])["none", "None", "HS256", "es256", "ES384", "RS256", ""])
        {
            string head = good.Replace("ES256", alg, StringComparison.Ordinal);
            Assert.Equal(TokenFault.Algorithm, tokens.Verify(Sign(key, head, Claims)).Fault);
        }
        Assert.Null(tokens.Verify($"{B64("""{"alg":"none"}""")}.{B64(Claims)}.").Who);

        // HS256 with the public key as its secret: the classic confusion.
        string hs = $"{B64(good.Replace("ES256", "HS256", StringComparison.Ordinal))}.{B64(Claims)}";
        foreach (byte[] secret in (byte[][])[Encoding.ASCII.GetBytes(key.ExportSubjectPublicKeyInfoPem()), key.ExportSubjectPublicKeyInfo()])
        {
            string token = $"{hs}.{Base64Url.EncodeToString(HMACSHA256.HashData(secret, Encoding.ASCII.GetBytes(hs)))}";
            Assert.Equal(TokenFault.Algorithm, tokens.Verify(token).Fault);
        }

        foreach (string bad in (string[])[
            good.Replace(kid, "../jwt", StringComparison.Ordinal), good.Replace(kid, "", StringComparison.Ordinal), """{"alg":"ES256"}""",
            good.Replace("}", ""","jwk":{"kty":"EC"}}""", StringComparison.Ordinal), good.Replace("}", ""","crit":["x"]}""", StringComparison.Ordinal),
            good.Replace("}", ""","alg":"ES256"}""", StringComparison.Ordinal), good.Replace("JWT", "at+jwt", StringComparison.Ordinal),
            "[]", "\"x\"", "{", good + " x", """{"alg":"\ud800"}"""])
        {
            Assert.Null(tokens.Verify(Sign(key, bad, Claims)).Who);
        }
        // All zeros satisfied Java's ECDSA once.
        Assert.Equal(TokenFault.Signature, tokens.Verify($"{B64(good)}.{B64(Claims)}.{Base64Url.EncodeToString(new byte[64])}").Fault);
        string der = $"{B64(good)}.{B64(Claims)}";
        Assert.Equal(TokenFault.Signature, tokens.Verify(
            $"{der}.{Base64Url.EncodeToString(key.SignData(Encoding.ASCII.GetBytes(der), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence))}").Fault);
        key.Dispose();
    }

    [Theory]
    [InlineData("\"exp\":1740831300", "\"exp\":1e999")]
    [InlineData("\"exp\":1740831300", "\"exp\":\"1740831300\"")]
    [InlineData("\"exp\":1740831300", "\"exp\":-1")]
    [InlineData("\"exp\":1740831300", "\"exp\":1e18")]
    [InlineData("\"exp\":1740831300", "\"exp\":null")]
    [InlineData("\"exp\":1740831300", "\"exp\":1740831300,\"exp\":1740831300")]
    [InlineData("\"exp\":1740831300,", "")]
    [InlineData("\"exp\":1740831300", "\"exp\":-0")]
    [InlineData("\"iat\":1740830400", "\"iat\":1740830461")]
    [InlineData("\"iat\":1740830400", "\"iat\":NaN")]
    [InlineData("\"iat\":1740830400", "\"iat\":1740830400,\"nbf\":1740830461")]
    [InlineData("\"iat\":1740830400", "\"iat\":1740830400,\"nbf\":\"0\"")]
    [InlineData("\"iss\":\"xlive\"", "\"iss\":\"xlivf\"")]
    [InlineData("\"aud\":\"xlive\"", "\"aud\":[\"xlive\"]")]
    [InlineData("\"aud\":\"xlive\"", "\"aud\":\"other\"")]
    [InlineData("\"sub\":\"admin\"", "\"sub\":5")]
    [InlineData("\"sub\":\"admin\"", "\"sub\":\"\"")]
    [InlineData("[\"admin\"]", "\"admin\"")]
    [InlineData("[\"admin\"]", "[\"root\"]")]
    [InlineData("\"sid\":\"s\"", "\"sid\":\"\"")]
    public async Task Claims_that_are_not_ours_are_refused_though_signed(string ours, string theirs)
    {
        await using AccountsHost host = await StartAsync();
        (ECDsa key, string kid) = KeyOf(host);
        string head = $$"""{"alg":"ES256","typ":"JWT","kid":"{{kid}}"}""";
        Assert.NotNull(host.Get<AccessTokens>().Verify(Sign(key, head, Claims)).Who);
        Assert.Contains(ours, Claims, StringComparison.Ordinal);
        Assert.Null(host.Get<AccessTokens>().Verify(Sign(key, head, Claims.Replace(ours, theirs, StringComparison.Ordinal))).Who);
        key.Dispose();
    }

    [Fact]
    public async Task A_token_expires()
    {
        await using AccountsHost host = await StartAsync();
        (string access, _) = await host.SignIn();
        host.Clock.Pass(TimeSpan.FromMinutes(15) + TimeSpan.FromSeconds(59));
        Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/who", access)).StatusCode);
        host.Clock.Pass(TimeSpan.FromSeconds(1));
        using HttpResponseMessage answer = await host.Fetch("/who", access);
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("The access token has expired.", await AccountsHost.Detail(answer));
    }

    [Fact]
    public async Task An_endless_token_is_not_read()
    {
        await using AccountsHost host = await StartAsync();
        Assert.Equal(TokenFault.TooLong, host.Get<AccessTokens>().Verify(new string('a', 8193)).Fault);
        Assert.Equal(TokenFault.TooLong, host.Get<AccessTokens>().Verify(new string('.', 1 << 20)).Fault);
        Assert.Equal(HttpStatusCode.Unauthorized, (await host.Fetch("/who", new string('a', 9000))).StatusCode);
    }

    [Fact]
    public async Task A_token_is_good_after_a_restart()
    {
        AccountsHost host = await StartAsync();
        (string access, _) = await host.SignIn();
        host = await host.RestartAsync();
        await using (host)
        {
            Assert.Equal(HttpStatusCode.OK, (await host.Fetch("/who", access)).StatusCode);
        }
    }
}
