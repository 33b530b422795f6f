using System.Diagnostics;
using System.Text;
using XLive.Server.Access;

namespace XLive.Server.Tests.Access;

public class SignedUrlTests(ITestOutputHelper output)
{
    private const long Now = 1_800_000_000;
    private const string Site = "site-secret-0123456789";
    private static readonly LiveApps apps = new(["live", "wida"]);
    private static readonly GrantRules rules = new(MaxLifetime: 7 * 86400, ClockSkew: 30, apps);
    private static readonly SigningKeys keys = new([
        new SigningKey("", Utf8(Site)),
        new SigningKey("k2", Utf8("second-secret-987654321")),
        new SigningKey("soon", Utf8("soon-secret-0123456789"), notBefore: Now + 100),
        new SigningKey("gone", Utf8("gone-secret-0123456789"), notAfter: Now - 1),
    ]);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static GrantReason Check(string path, string query, SigningKeys? with = null, GrantRules? by = null, long now = Now)
    {
        GrantReason form = GrantQuery.Parse(query, new byte[query.Length], out SignedGrant grant);
        return form == GrantReason.Granted ? SignedUrl.Verify(grant, path, with ?? keys, by ?? rules, now, out _) : form;
    }

    private static GrantReason CheckUrl(string url, long now = Now)
    {
        int mark = url.IndexOf('?');
        return Check(Uri.UnescapeDataString(url[..mark]), url[mark..], now: now);
    }

    private static string Query(string path, string uid = "u1", long expires = Now + 3600, string secret = Site, string kid = "", string? scope = null)
    {
        string url = SignedUrl.Sign(path, uid, expires, Utf8(secret), kid, scope);
        return url[url.IndexOf('?')..];
    }

    [Fact]
    public void Contract_vector()
    {
        const string Token = "nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE";
        byte[] secret = Utf8("yardstick-secret-0123456789abcdef");
        Assert.Equal("v1\n\nu1\n9999999999\n/yard/", SignedUrl.Text("u1", 9999999999, "/yard/"));
        Assert.Equal(Token, SignedUrl.Token(secret, "u1", 9999999999, "/yard/"));
        Assert.Equal($"/yard/f2.ts?uid=u1&expires=9999999999&token={Token}", SignedUrl.Sign("/yard/f2.ts", "u1", 9999999999, secret));
        var one = new SigningKeys([new SigningKey("", secret)]);
        string query = $"uid=u1&expires=9999999999&token={Token}";
        Assert.Equal(GrantReason.Granted, Check("/yard/f2.ts", query, one, rules with { MaxLifetime = 0 }));
        Assert.Equal(GrantReason.LifetimeTooLong, Check("/yard/f2.ts", query, one));
        Assert.Equal(GrantReason.WrongToken, Check("/yard2/f2.ts", query, one));
        Assert.Equal(GrantReason.WrongToken, Check("/yard/deeper/f2.ts", query, one));
    }

    [Theory]
    [InlineData("/video/2024-01-01/movie1/playlist.m3u8", "u1", "", null)]
    [InlineData("/video/2024-01-01/movie1/playlist.m3u8", "u1", "k2", null)]
    [InlineData("/video/ein Film/ü & ß?.m3u8", "Jürgen +1 & 日本語/🎬", "", null)]
    [InlineData("/films/movie1.mp4", "u", "k2", "/films/movie1.mp4")]
    [InlineData("/films/movie1-720.mp4", "u", "", "/films/movie1*")]
    [InlineData("/films/a/b/c.ts", "u", "", "/films/")]
    [InlineData("/live/cam.m3u8", "u", "", "/live/cam")]
    [InlineData("/live/cam/720/part-1.mp4", "u", "", "/live/cam")]
    [InlineData("/live/cam.flv", "u", "", "/live/cam")]
    [InlineData("/live/cam.m3u8", "u", "", "/live/")]
    [InlineData("/movie.mp4", "u", "", "/")]
    [InlineData("/movie.mp4", "u", "", "/*")]
    public void What_is_signed_is_granted(string path, string uid, string kid, string? scope)
    {
        string secret = kid == "k2" ? "second-secret-987654321" : Site;
        Assert.Equal(GrantReason.Granted, CheckUrl(SignedUrl.Sign(path, uid, Now + 60, Utf8(secret), kid, scope)));

        string prefixed = Uri.UnescapeDataString(SignedUrl.SignAsPrefix(path, uid, Now + 60, Utf8(secret), kid, scope));
        Assert.True(GrantPrefix.TrySplit(prefixed, out var segment, out var rest));
        Assert.Equal(path, rest.ToString());
        Assert.Equal(GrantReason.Granted, GrantPrefix.Parse(segment, new byte[segment.Length], out SignedGrant grant));
        Assert.Equal(GrantReason.Granted, SignedUrl.Verify(grant, rest, keys, rules, Now, out SigningKey? key));
        Assert.Equal(kid, key!.Kid);
        Assert.Equal(uid, grant.UidText);
        Assert.Equal(scope ?? path[..(path.LastIndexOf('/') + 1)], grant.ScopeFor(rest));
    }

    [Fact]
    public void Checks_come_in_the_order_of_the_contract()
    {
        const string Path = "/v/a.m3u8";
        Assert.Equal(GrantReason.NoGrant, Check(Path, ""));
        Assert.Equal(GrantReason.NoGrant, Check(Path, "?uid=u1&expires=1"));
        Assert.Equal(GrantReason.Malformed, Check(Path, Query(Path) + "&uid=u1"));
        // Each of these is wrong in every later way too.
        const string Far = "/v/a/b/c";
        string gone = Query("/x.mp4", kid: "gone", expires: 1, secret: "gone-secret-0123456789");
        Assert.Equal(GrantReason.WrongToken, Check(Far, Query("/x.mp4", kid: "gone", expires: 1)));
        Assert.Equal(GrantReason.WrongToken, Check(Far, Query("/x.mp4", kid: "unknown", expires: 1)));
        Assert.Equal(GrantReason.KeyExpired, Check("/x.mp4", gone));
        Assert.Equal(GrantReason.KeyNotValidYet, Check("/x.mp4", Query("/x.mp4", kid: "soon", expires: 1, secret: "soon-secret-0123456789")));
        Assert.Equal(GrantReason.Expired, Check("/x.mp4", Query("/x.mp4", expires: 1)));
        Assert.Equal(GrantReason.LifetimeTooLong, Check("/x.mp4", Query("/x.mp4", expires: Now + (8 * 86400))));
        Assert.Equal(GrantReason.ScopeTooWide, Check("/x.mp4", Query("/x.mp4")));
        Assert.Equal(GrantReason.ScopeTooWide, Check("/live/cam.m3u8", Query("/live/cam.m3u8")));
        Assert.Equal(GrantReason.OutsideScope, Check("/w/a.ts", Query("/v/a.ts", scope: "/v/")));
        Assert.Equal(GrantReason.Granted, Check("/v/b.ts", Query("/v/a.ts", scope: "/v/")));
    }

    [Theory]
    [InlineData(0, GrantReason.Granted)]
    [InlineData(-30, GrantReason.Granted)]
    [InlineData(-31, GrantReason.Expired)]
    [InlineData((7 * 86400) + 30, GrantReason.Granted)]
    [InlineData((7 * 86400) + 31, GrantReason.LifetimeTooLong)]
    public void Time_bounds(long after, GrantReason expected) => Assert.Equal(expected, Check("/v/a.ts", Query("/v/a.ts", expires: Now + after)));

    [Theory]
    [InlineData("soon", "soon-secret-0123456789", 69, GrantReason.KeyNotValidYet)]
    [InlineData("soon", "soon-secret-0123456789", 70, GrantReason.Granted)]
    [InlineData("gone", "gone-secret-0123456789", -1, GrantReason.Granted)]
    [InlineData("gone", "gone-secret-0123456789", 0, GrantReason.KeyExpired)]
    public void Key_bounds(string kid, string secret, long after, GrantReason expected) =>
        Assert.Equal(expected, Check("/v/a.ts", Query("/v/a.ts", kid: kid, secret: secret), now: Now + after));

    [Theory]
    // A digit between uid, expires and kid; a directory between fields; another kid's secret.
    [InlineData("u1", "2800000000", "", "/v/", "u12", "800000000", "", "/v/")]
    [InlineData("u", "1800003600", "", "/v/", "u1", "800003600", "", "/v/")]
    [InlineData("u1", "1800003600", "", "/v/", "1", "1800003600", "u", "/v/")]
    [InlineData("u1", "1800003600", "", "/v/", "u1", "1800003600", "k2", "/v/")]
    [InlineData("u1", "1800003600", "", "/v/1/", "u1", "1800003600", "", "/v/")]
    [InlineData("u1", "1800003600", "", "/v/1", "u1", "18000036001", "", "/v/")]
    [InlineData("u1", "1800003600", "", "/v/", "u1", "1800003600", "", "/v/*")]
    [InlineData("u1", "1800003600", "", "/v", "u1", "1800003600", "", "/v/")]
    [InlineData("u1", "1800003600", "", "/v/a", "U1", "1800003600", "", "/v/a")]
    public void Token_of_one_text_is_wrong_for_another(
        string uid, string expires, string kid, string scope, string otherUid, string otherExpires, string otherKid, string otherScope)
    {
        string token = SignedUrl.Token(Utf8(Site), uid, long.Parse(expires), scope, kid);
        var any = rules with { MaxLifetime = 0 };
        string right = $"uid={uid}&expires={expires}&kid={kid}&scope={scope}&token={token}";
        string moved = $"uid={otherUid}&expires={otherExpires}&kid={otherKid}&scope={otherScope}&token={token}";
        Assert.Equal(GrantReason.Granted, Check(scope, right, by: any));
        Assert.Equal(GrantReason.WrongToken, Check(scope, moved, by: any));
    }

    [Fact]
    public void No_keys_means_wrong_token() => Assert.Equal(GrantReason.WrongToken, Check("/v/a.ts", Query("/v/a.ts"), SigningKeys.None));

    [Theory]
    [InlineData("v/a.ts")]
    [InlineData("")]
    [InlineData("/v/\na.ts")]
    [InlineData("/v/\u0085a.ts")]
    public void Path_that_no_door_lets_in_is_malformed(string path) => Assert.Equal(GrantReason.Malformed, Check(path, Query("/v/a.ts")));

    // Not in the tables: an attribute cannot hold a lone surrogate.
    [Fact]
    public void Lone_surrogates_are_refused()
    {
        Assert.Equal(GrantReason.Malformed, Check("/v/\ud800/a.ts", Query("/v/a.ts")));
        Assert.ThrowsAny<ArgumentException>(() => SignedUrl.Token(new byte[16], "\ud800", 1, "/v/"));
    }

    [Theory]
    [InlineData(15, true)]
    [InlineData(16, false)]
    [InlineData(64, false)]
    [InlineData(65, false)]
    [InlineData(200, false)]
    public void Secrets_by_length(int length, bool refused)
    {
        byte[] secret = new byte[length];
        Random.Shared.NextBytes(secret);
        if (refused)
        {
            Assert.Contains("'k9'", Assert.Throws<FormatException>(() => new SigningKey("k9", secret)).Message);
            return;
        }
        string url = SignedUrl.Sign("/v/a.ts", "u", Now, secret, "k9");
        Assert.Equal(GrantReason.Granted, Check("/v/a.ts", url[url.IndexOf('?')..], new SigningKeys([new SigningKey("k9", secret)])));
    }

    [Fact]
    public void Two_keys_of_one_id_are_refused() =>
        Assert.Throws<FormatException>(() => new SigningKeys([new SigningKey("a", new byte[16]), new SigningKey("a", new byte[17])]));

    [Theory]
    [InlineData("", 1, "/v/", "")]
    [InlineData("u\n", 1, "/v/", "")]
    [InlineData("u", 0, "/v/", "")]
    [InlineData("u", 1_000_000_000_000, "/v/", "")]
    [InlineData("u", 1, "v/", "")]
    [InlineData("u", 1, "/v//", "")]
    [InlineData("u", 1, "/v/", "k\n")]
    public void What_no_server_would_accept_is_not_signed(string uid, long expires, string scope, string kid) =>
        Assert.ThrowsAny<ArgumentException>(() => SignedUrl.Token(new byte[16], uid, expires, scope, kid));

    [Fact]
    public void Mutated_urls_are_never_granted_more()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        const string Alphabet = "?&=%/.*+-_~0123456789aAbBcCdDeEfFuUkKvVxX ";
        (string Path, string Query, string Uid, string Kid, string Scope)[] originals =
        [
            ("/v/2024/m1/p.m3u8", Query("/v/2024/m1/p.m3u8"), "u1", "", "/v/2024/m1/"),
            ("/v/m/p.m3u8", Query("/v/m/p.m3u8", "Jürgen", secret: "second-secret-987654321", kid: "k2"), "Jürgen", "k2", "/v/m/"),
            ("/live/cam.m3u8", Query("/live/cam.m3u8", scope: "/live/cam"), "u1", "", "/live/cam"),
            ("/films/movie1/a.ts", Query("/films/movie1/a.ts", scope: "/films/movie1*"), "u1", "", "/films/movie1*"),
        ];
        int refused = 0, same = 0;
        byte[] scratch = new byte[4096];
        for (int i = 0; i < 200_000; i++)
        {
            var (path, query, uid, kid, scope) = originals[i % originals.Length];
            string mutated = Mutate(query), asked = random.Next(3) == 0 ? Mutate(path) : path;
            if (GrantQuery.Parse(mutated, scratch, out SignedGrant grant) != GrantReason.Granted
                || SignedUrl.Verify(grant, asked, keys, rules, Now, out SigningKey? key) != GrantReason.Granted)
            {
                refused++;
                continue;
            }
            // Another spelling of the same grant, or a change to somebody else's parameter.
            same++;
            Assert.Equal((uid, kid, Now + 3600, scope), (grant.UidText, key!.Kid, grant.Expires, grant.ScopeFor(asked)));
            Assert.True(Scope.Covers(scope, asked, apps), asked);
        }
        output.WriteLine($"{refused} refused, {same} the same grant");
        Assert.True(refused > 150_000);

        string Mutate(string text)
        {
            var builder = new StringBuilder(text);
            for (int n = random.Next(1, 4); n > 0; n--)
            {
                int at = random.Next(builder.Length);
                switch (random.Next(5))
                {
                    case 0: builder[at] = Alphabet[random.Next(Alphabet.Length)]; break;
                    case 1: builder.Insert(at, Alphabet[random.Next(Alphabet.Length)]); break;
                    case 2: builder.Remove(at, 1).Append('x'); break;
                    case 3: builder[at] = (char)(builder[at] ^ (1 << random.Next(7))); break;
                    default: (builder[at], builder[builder.Length - 1 - at]) = (builder[builder.Length - 1 - at], builder[at]); break;
                }
            }
            return builder.ToString();
        }
    }

    [Fact]
    public void Checking_allocates_nothing_and_takes_about_a_microsecond()
    {
        const string Path = "/video/2024-01-01/movie1/playlist.m3u8";
        string query = Query(Path, secret: "second-secret-987654321", kid: "k2") + "&_HLS_msn=17&_HLS_part=2&CMCD=bl%3D21300%2Csid%3D%226e2fb550%22";
        string unknown = Query(Path, kid: "k9");
        const int Rounds = 20_000;
        double right = double.MaxValue, wrong = double.MaxValue, parse = double.MaxValue;
        for (int i = 0; i < 8 || (i < 40 && right > 2000); i++)
        {
            right = Math.Min(right, Time(query, verify: true));
            wrong = Math.Min(wrong, Time(unknown, verify: true));
            parse = Math.Min(parse, Time(query, verify: false));
        }
        output.WriteLine($"parse {parse:F0} ns, parse and verify {right:F0} ns, unknown key {wrong:F0} ns");
        Assert.True(right < 20_000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        Time(query, verify: true);
        Time(unknown, verify: true);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        static double Time(string query, bool verify)
        {
            Span<byte> scratch = stackalloc byte[512];
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Rounds; i++)
            {
                GrantReason reason = GrantQuery.Parse(query, scratch, out SignedGrant grant);
                if (verify)
                    reason = SignedUrl.Verify(grant, Path, keys, rules, Now, out _);
                GC.KeepAlive(null);
                if (reason == GrantReason.Malformed)
                    throw new InvalidOperationException();
            }
            return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Rounds;
        }
    }
}
