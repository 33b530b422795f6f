using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd;

public sealed class SignedLinkTests
{
    [Fact]
    public void The_tests_own_signer_gives_the_contracts_vector() => Assert.Equal(
        "/yard/f2.ts?uid=u1&expires=9999999999&token=nV600swVPV9-L8vIIFr7IcTjVjvedAerpceJCnWLdWE",
        new SignedLink("/yard/f2.ts", "u1", 9999999999, "yardstick-secret-0123456789abcdef").InQuery);
}
