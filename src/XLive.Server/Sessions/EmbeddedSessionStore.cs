using Microsoft.Extensions.Logging;
using XLive.Server.Storage;

namespace XLive.Server.Sessions;

/// <summary>
/// For a node alone: sessions and revocations in a file of their own below data.dir, so that a restart finds them. Whatever becomes of the
/// file, viewers play on from memory; it is opened again until that succeeds.
/// </summary>
public sealed partial class EmbeddedSessionStore(DataOptions data, TimeProvider clock, ILogger<EmbeddedSessionStore> log) : ISessionStore
{
    private const string FileName = "sessions.db";

    private readonly SemaphoreSlim _turn = new(1, 1);
    private SessionFile? _file;
    private bool _isRead;
    private bool _mustReplace;
    private Revocations? _revocations;
    private volatile string _fault = "";
    private volatile int _pending;

    public string Name => "embedded";

    public StoreStatus Status => new(_fault.Length > 0, _fault, _pending);

    public bool SharesPlaces => false;

    public async Task<IReadOnlyList<SessionRecord>> StartAsync(StoreListener node)
    {
        _revocations = node.Revocations;
        IReadOnlyList<SessionRecord> sessions = [];
        await InTurn(file => sessions = file.Sessions(SessionTable.Most));
        return sessions;
    }

    public ValueTask<PlaceAnswer> EnterAsync(SessionRecord session, SessionId? insteadOf, DeviceLimit limit) => new(PlaceAnswer.Unanswered);

    public async ValueTask<bool> SaveAsync(IReadOnlyList<SessionRecord> changed, IReadOnlyList<SessionId> gone, TimeSpan lease)
    {
        if (changed.Count + gone.Count == 0 && _fault.Length == 0)
            return true;
        _pending = changed.Count + gone.Count;
        var saved = await InTurn(file => file.Save(changed, gone));
        if (saved)
            _pending = 0;
        return saved;
    }

    public ValueTask<bool> RevokeAsync(Revocation revocation) => InTurn(file => file.Put(revocation));

    public ValueTask<bool> LiftAsync(RevocationKey name) => InTurn(file => file.Lift(name));

    public ValueTask<IReadOnlyList<SessionRecord>> ListAsync(SessionFilter filter, SessionId? after, int most) => new((IReadOnlyList<SessionRecord>)[]);

    public ValueTask<SessionRecord?> FindAsync(SessionId id) => new((SessionRecord?)null);

    /// <summary>One after the other, on a thread that may wait for the disk.</summary>
    private async ValueTask<bool> InTurn(Action<SessionFile> work)
    {
        await _turn.WaitAsync();
        try
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            var file = _file ??= Open();
            MatchRevocations(file);
            work(file);
            if (_fault.Length > 0)
            {
                _fault = "";
                LogGoesOn(log);
            }
            return true;
        }
        catch (Exception e) when (e is DatabaseException or IOException or UnauthorizedAccessException)
        {
            if (e is DatabaseException { Fault: DatabaseFault.Damaged })
            {
                // Opened anew at the next turn, which sets it aside.
                _file?.Dispose();
                _file = null;
            }
            _mustReplace = true;
            if (_fault.Length == 0)
                LogFault(log, FileName, e.Message);
            _fault = $"{FileName}: {e.Message}";
            return false;
        }
        finally
        {
            _turn.Release();
        }
    }

    private SessionFile Open() => SessionFile.Open(Path.Combine(data.MakeDir(), FileName), clock, (aside, why) =>
    {
        LogAside(log, FileName, why, aside);
        _mustReplace = true;
    });

    /// <summary>
    /// What the file has of the process before holds, also where the file could not be read at the start; and what was revoked or lifted
    /// while it could not be written stands in it before anything else does.
    /// </summary>
    private void MatchRevocations(SessionFile file)
    {
        if (!_isRead)
        {
            file.LiftUntil(clock.GetUtcNow().ToUnixTimeSeconds());
            foreach (var revocation in file.Revocations())
            {
                // A later one takes the place of an earlier one.
                if (_revocations!.Find(revocation.Name) is null)
                    _revocations.Put(revocation);
            }
            _isRead = true;
        }
        if (!_mustReplace)
            return;
        file.Replace(_revocations!.All);
        _mustReplace = false;
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        _file?.Dispose();
        _file = null;
        _turn.Dispose();
    }

    [LoggerMessage(LogLevel.Error, "{File} is damaged ({Why}) and was set aside as {Aside}; a new one is written. Revocations that could not be read from it hold no longer")]
    private static partial void LogAside(ILogger log, string file, string why, string aside);

    [LoggerMessage(LogLevel.Error, "{File} cannot be used ({Why}): viewers play on, but a restart will not know their sessions, nor what is revoked from now on")]
    private static partial void LogFault(ILogger log, string file, string why);

    [LoggerMessage(LogLevel.Information, "sessions are stored again")]
    private static partial void LogGoesOn(ILogger log);
}
