using XLive.Fuzz.Books;

namespace XLive.Server.Tests.Traffic;

/// <summary>What `./bench traffic` measures, smaller, and with twice its bars: tests run beside each other.</summary>
public sealed class BooksCostTests(ITestOutputHelper output)
{
    [Fact]
    public void A_cut_of_a_thousand_users_each_second_costs_a_hundredth_of_a_core()
    {
        var took = BooksLoad.FlushEachSecond(users: 1000, seconds: 20, alone: false);
        output.WriteLine($"{took.Flush.TotalMilliseconds:0.0} ms, {took.Allocated} bytes");
        Assert.InRange(took.Flush.TotalMilliseconds, 0, 20);
        // Of each user nothing: 22 MB each second, of 10,000, were a third of what a flush cost.
        Assert.InRange(took.Allocated, 0, 32_000);
    }

    [Fact]
    public void Accounts_are_those_of_who_watches_and_not_of_who_came()
    {
        // 50,000 in an hour are more than a million in a day, and each is there for 8 minutes and a little.
        var (accounts, difference) = BooksLoad.Day(users: 50_000, seconds: 3600);
        output.WriteLine($"{accounts} accounts at most");
        Assert.Equal(0, difference);
        Assert.InRange(accounts, 1, 25_000);
    }
}
