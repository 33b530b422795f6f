using XLive.Server.Traffic.Counters;

namespace XLive.Fuzz.Books;

/// <summary>
/// What must be true, in as few lines as will do: what a user was charged is somewhere, once. Only the power takes anything, and then no
/// more than what came since the last sync.
/// </summary>
internal sealed class Oracle
{
    private readonly Dictionary<string, (Counts Charged, Counts Least, Counts Most)> _users = new(StringComparer.Ordinal);

    public void Add(string uid, int count, long value)
    {
        var user = _users.GetValueOrDefault(uid);
        user.Charged[count] += value;
        user.Least[count] = Math.Min(user.Least[count], user.Charged[count]);
        user.Most[count] = Math.Max(user.Most[count], user.Charged[count]);
        _users[uid] = user;
    }

    public void Synced()
    {
        foreach (var (uid, user) in _users)
            _users[uid] = (user.Charged, user.Charged, user.Charged);
    }

    /// <summary>
    /// The process is gone, and what it knew of in memory only, as health warned: unless the cut that was under way has it.
    /// </summary>
    public void Killed(string uid, Counts inMemory, Counts givenBack)
    {
        var user = _users.GetValueOrDefault(uid);
        _users[uid] = (user.Charged, user.Charged - inMemory.Payable, user.Charged - (inMemory - inMemory.Payable) + givenBack);
    }

    /// <summary>The power failed besides.</summary>
    public void LostPower(string uid, Counts inMemory, Counts givenBack)
    {
        var user = _users.GetValueOrDefault(uid);
        _users[uid] = (user.Charged, user.Least - inMemory.Payable, user.Most - (inMemory - inMemory.Payable) + givenBack);
    }

    public void Check(string uid, Counts found)
    {
        if (!(_users.GetValueOrDefault(uid).Charged - found).IsZero)
            throw new BooksDisagree($"{uid} was charged {Words(_users.GetValueOrDefault(uid).Charged)} and {Words(found)} are in the books");
    }

    public void CheckAfterCrash(string uid, Counts found)
    {
        var (_, least, most) = _users.GetValueOrDefault(uid);
        for (var i = 0; i < Counts.Length; i++)
        {
            if (found[i] < least[i] || found[i] > most[i])
                throw new BooksDisagree($"{uid} had between {Words(least)} and {Words(most)} left at least and at most, and {Words(found)} are in the books");
        }
        _users[uid] = (found, found, found);
    }

    public static string Words(in Counts counts) => "[" + string.Join(' ', ((ReadOnlySpan<long>)counts).ToArray()) + "]";
}

internal sealed class BooksDisagree(string message) : Exception(message);
