using System.Text;
using XLive.Server.Access;

namespace XLive.Server.Tests.Access;

public class GrantFormTests
{
    private const string Good = "nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE";

    private static GrantReason Parse(string query, out SignedGrant grant) => GrantQuery.Parse(query, new byte[query.Length], out grant);

    [Theory]
    [InlineData("uid=u1&expires=1&token=T")]
    [InlineData("?uid=u1&expires=1&token=T")]
    [InlineData("token=T&expires=1&uid=u1")]
    [InlineData("&&uid=u1&&expires=1&token=T&")]
    [InlineData("_HLS_msn=3&_HLS_part=1&uid=u1&expires=1&token=T&CMCD=br%3D%ZZ&CMCD=x&_HLS_msn=4")]
    [InlineData("uid=u1&expires=1&token=T&UID=other&Token=x&Kid=z&SCOPE=/")]
    [InlineData("uid=%751&expires=%31&token=T")]
    [InlineData("%75id=u1&exp%69res=1&tok%65n=T")]
    [InlineData("uid=u1&expires=1&token=T&kid=")]
    public void Read_as_written(string query)
    {
        Assert.Equal(GrantReason.Granted, Parse(query.Replace("=T", "=" + Good, StringComparison.Ordinal), out SignedGrant grant));
        Assert.Equal(("u1", 1L, "", true), (grant.UidText, grant.Expires, grant.KidText, grant.Scope.IsEmpty));
        Assert.Equal(32, grant.Token.Length);
    }

    [Fact]
    public void Escapes_plus_and_unicode()
    {
        string query = $"uid=J%C3%BCr+g%2Ben%F0%9F%8E%AC&expires=999999999999&kid=a%20b+c&scope=/v%20x/%2Fy&token={Good.Replace("-", "%2D")}";
        Assert.Equal(GrantReason.Malformed, Parse(query, out _));
        Assert.Equal(GrantReason.Granted, Parse(query.Replace("%2Fy", "y/", StringComparison.Ordinal), out SignedGrant grant));
        Assert.Equal(("Jür g+en🎬", 999999999999, "a b c"), (grant.UidText, grant.Expires, grant.KidText));
        Assert.Equal("/v x/y/", Encoding.UTF8.GetString(grant.Scope));
    }

    [Theory]
    [InlineData("")]
    [InlineData("?")]
    [InlineData("uid=u1&expires=1")]
    [InlineData("uid=u1&uid=u2&expires=x")]
    [InlineData("Token=T&tokens=T&xtoken=T")]
    public void No_token_is_no_grant(string query) => Assert.Equal(GrantReason.NoGrant, Parse(query, out _));

    [Theory]
    [InlineData("token=T")]
    [InlineData("uid=u1&token=T")]
    [InlineData("expires=1&token=T")]
    [InlineData("UID=u1&expires=1&token=T")]
    [InlineData("uid=u1&Expires=1&token=T")]
    // repeated
    [InlineData("uid=u1&uid=u1&expires=1&token=T")]
    [InlineData("uid=u1&%75id=u1&expires=1&token=T")]
    [InlineData("uid=u1&expires=1&expires=1&token=T")]
    [InlineData("uid=u1&expires=1&token=T&token=T")]
    [InlineData("uid=u1&expires=1&token=T&kid=&kid=")]
    [InlineData("uid=u1&expires=1&token=T&scope=/&scope=/")]
    [InlineData("uid=u1&expires=1&token=T&uid")]
    // uid
    [InlineData("uid=&expires=1&token=T")]
    [InlineData("uid&expires=1&token=T")]
    [InlineData("uid=a%00b&expires=1&token=T")]
    [InlineData("uid=a%0Ab&expires=1&token=T")]
    [InlineData("uid=a%0D&expires=1&token=T")]
    [InlineData("uid=a%09&expires=1&token=T")]
    [InlineData("uid=a%1F&expires=1&token=T")]
    [InlineData("uid=a%7F&expires=1&token=T")]
    [InlineData("uid=a%C2%80&expires=1&token=T")]
    [InlineData("uid=a%C2%85&expires=1&token=T")]
    [InlineData("uid=a%C2%9F&expires=1&token=T")]
    [InlineData("uid=%C0%80&expires=1&token=T")]
    [InlineData("uid=%C1%81&expires=1&token=T")]
    [InlineData("uid=%E0%80%AF&expires=1&token=T")]
    [InlineData("uid=%F0%80%80%AF&expires=1&token=T")]
    [InlineData("uid=%C3&expires=1&token=T")]
    [InlineData("uid=%E2%82&expires=1&token=T")]
    [InlineData("uid=%82&expires=1&token=T")]
    [InlineData("uid=%ED%A0%80&expires=1&token=T")]
    [InlineData("uid=%ED%A0%BC%ED%BE%AC&expires=1&token=T")]
    [InlineData("uid=%F4%90%80%80&expires=1&token=T")]
    [InlineData("uid=%FF&expires=1&token=T")]
    [InlineData("uid=a%&expires=1&token=T")]
    [InlineData("uid=a%4&expires=1&token=T")]
    [InlineData("uid=a%4g&expires=1&token=T")]
    [InlineData("uid=%u0041&expires=1&token=T")]
    [InlineData("uid=ü&expires=1&token=T")]
    // expires
    [InlineData("uid=u&expires=&token=T")]
    [InlineData("uid=u&expires=0&token=T")]
    [InlineData("uid=u&expires=01&token=T")]
    [InlineData("uid=u&expires=1000000000000&token=T")]
    [InlineData("uid=u&expires=-1&token=T")]
    [InlineData("uid=u&expires=+1&token=T")]
    [InlineData("uid=u&expires=1.0&token=T")]
    [InlineData("uid=u&expires=1e9&token=T")]
    [InlineData("uid=u&expires=0x1&token=T")]
    [InlineData("uid=u&expires=%D9%A1&token=T")]
    [InlineData("uid=u&expires=1%20&token=T")]
    // kid, scope
    [InlineData("uid=u&expires=1&token=T&kid=%0A")]
    [InlineData("uid=u&expires=1&token=T&kid=%FF")]
    [InlineData("uid=u&expires=1&token=T&scope=")]
    [InlineData("uid=u&expires=1&token=T&scope")]
    [InlineData("uid=u&expires=1&token=T&scope=v/")]
    [InlineData("uid=u&expires=1&token=T&scope=*")]
    [InlineData("uid=u&expires=1&token=T&scope=//")]
    [InlineData("uid=u&expires=1&token=T&scope=/v//")]
    [InlineData("uid=u&expires=1&token=T&scope=/v//*")]
    [InlineData("uid=u&expires=1&token=T&scope=/./v")]
    [InlineData("uid=u&expires=1&token=T&scope=/v/..")]
    [InlineData("uid=u&expires=1&token=T&scope=/v/%2E%2E/w/")]
    [InlineData("uid=u&expires=1&token=T&scope=/v/%0A")]
    // token
    [InlineData("uid=u&expires=1&token=")]
    [InlineData("uid=u&expires=1&token")]
    [InlineData("uid=u&expires=1&token=TA")]
    [InlineData("uid=u&expires=1&token=T%3D")]
    [InlineData("uid=u&expires=1&token=T=")]
    [InlineData("uid=u&expires=1&token=+T")]
    [InlineData("uid=u&expires=1&token=%20T")]
    [InlineData("uid=u&expires=1&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdW")]
    [InlineData("uid=u&expires=1&token=nV600swVPV9+L8vIIFr7IcTjVjvedAerpceJCnWLdWE")]
    [InlineData("uid=u&expires=1&token=nV600swVPV9/L8vIIFr7IcTjVjvedAerpceJCnWLdWE")]
    [InlineData("uid=u&expires=1&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdW%C3%A9")]
    // the bits that the last character has to spare
    [InlineData("uid=u&expires=1&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWF")]
    [InlineData("uid=u&expires=1&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWG")]
    [InlineData("uid=u&expires=1&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWH")]
    public void Ill_formed(string query) =>
        Assert.Equal(GrantReason.Malformed, Parse(query.Replace("token=T", "token=" + Good, StringComparison.Ordinal), out _));

    [Theory]
    [InlineData(128, "a", true)]
    [InlineData(129, "a", false)]
    [InlineData(64, "%C3%BC", true)]
    [InlineData(65, "%C3%BC", false)]
    public void Uid_is_measured_in_bytes(int times, string piece, bool accepted) =>
        Assert.Equal(
            accepted ? GrantReason.Granted : GrantReason.Malformed,
            Parse($"uid={string.Concat(Enumerable.Repeat(piece, times))}&expires=1&token={Good}", out _));

    [Fact]
    public void One_token_has_one_last_character()
    {
        int accepted = 0;
        foreach (char last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
            accepted += Parse($"uid=u&expires=1&token={Good[..^1]}{last}", out _) == GrantReason.Granted ? 1 : 0;
        Assert.Equal(16, accepted);
    }

    [Theory]
    [InlineData("uid=u1", "u1")]
    [InlineData("a=b&uid=a+b%21", "a b!")]
    [InlineData("uid=u1&uid=u1", "")]
    [InlineData("uid=%0A", "")]
    [InlineData("UID=u1", "")]
    [InlineData("token=x&token=x&uid=u1", "u1")]
    public void Uid_alone(string query, string uid) => Assert.Equal(uid, Encoding.UTF8.GetString(GrantQuery.UidOf(query, new byte[query.Length])));

    [Theory]
    [InlineData("~v1.dTE.1.-.L3Yv.T")]
    [InlineData("~v1.dTE.1.azI.L3Yv.T")]
    public void Prefix_read_as_written(string segment)
    {
        segment = segment.Replace(".T", "." + Good, StringComparison.Ordinal);
        Assert.Equal(GrantReason.Granted, GrantPrefix.Parse(segment, new byte[segment.Length], out SignedGrant grant));
        Assert.Equal(("u1", 1L, "/v/"), (grant.UidText, grant.Expires, Encoding.UTF8.GetString(grant.Scope)));
        Assert.Equal(segment.Contains("azI", StringComparison.Ordinal) ? "k2" : "", grant.KidText);
    }

    [Theory]
    [InlineData("~v1.")]
    [InlineData("~v1.dTE.1.-.L3Yv")]
    [InlineData("~v1.dTE.1.-.L3Yv.T.")]
    [InlineData("~v1.dTE.1.-.L3Yv.T.T")]
    [InlineData("~v1..1.-.L3Yv.T")]
    [InlineData("~v1.dTE..-.L3Yv.T")]
    [InlineData("~v1.dTE.1..L3Yv.T")]
    [InlineData("~v1.dTE.1.-..T")]
    [InlineData("~v1.dTE.1.-.-.T")]
    [InlineData("~v1.-.1.-.L3Yv.T")]
    [InlineData("~v1.dTF.1.-.L3Yv.T")]
    [InlineData("~v1.dTE=.1.-.L3Yv.T")]
    [InlineData("~v1.d TE.1.-.L3Yv.T")]
    [InlineData("~v1.dTEuu.1.-.L3Yv.T")]
    [InlineData("~v1.Cg.1.-.L3Yv.T")]
    [InlineData("~v1._w.1.-.L3Yv.T")]
    [InlineData("~v1.dTE.01.-.L3Yv.T")]
    [InlineData("~v1.dTE.1.Cg.L3Yv.T")]
    [InlineData("~v1.dTE.1.-.dg.T")]
    [InlineData("~v1.dTE.1.-.L3YvLi4v.T")]
    [InlineData("~v1.dTE.1.-.L3Yv.TA")]
    [InlineData("~v1.dTE.1111111111111111111111.-.L3Yv.T")]
    public void Ill_formed_prefix(string segment)
    {
        segment = segment.Replace(".T", "." + Good, StringComparison.Ordinal);
        Assert.Equal(GrantReason.Malformed, GrantPrefix.Parse(segment, new byte[segment.Length], out _));
    }

    [Theory]
    [InlineData("/~v1.a.b/video/x.ts", "~v1.a.b", "/video/x.ts")]
    [InlineData("/~v1.a", "~v1.a", "")]
    [InlineData("/~v1./", "~v1.", "/")]
    public void Prefix_is_parted_from_the_path(string path, string segment, string rest)
    {
        Assert.True(GrantPrefix.TrySplit(path, out var found, out var after));
        Assert.Equal((segment, rest), (found.ToString(), after.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/~v1/x")]
    [InlineData("/~V1.a/x")]
    [InlineData("/~s1.a.b/x")]
    [InlineData("/v/~v1.a/x")]
    public void Other_paths_have_no_prefix(string path) => Assert.False(GrantPrefix.TrySplit(path, out _, out _));

    [Fact]
    public void Every_reason_has_a_word_and_a_status()
    {
        foreach (GrantReason reason in Enum.GetValues<GrantReason>())
            Assert.Matches("^[a-z_]+ (200|400|401|403|410)$", $"{reason.Word} {reason.Status}");
        Assert.Equal((401, 400, 401, 401, 410, 403), (GrantReason.NoGrant.Status, GrantReason.Malformed.Status, GrantReason.WrongToken.Status,
            GrantReason.KeyExpired.Status, GrantReason.Expired.Status, GrantReason.ScopeTooWide.Status));
    }
}
