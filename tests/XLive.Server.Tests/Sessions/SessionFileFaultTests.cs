using XLive.Fuzz.Books;
using XLive.Fuzz.Engine;
using XLive.Server.Sessions;
using XLive.Server.Storage;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Sessions;

/// <summary>
/// Each call of the disk below sessions.db fails once, the first of its kind and every other up to the two hundredth where there are so many. The next try goes
/// through, and after a power failure the file holds what was stored: a revocation that is lost lets somebody in.
/// </summary>
public sealed class SessionFileFaultTests(ITestOutputHelper output)
{
    private const string Path = "sessions.db";
    private const int Most = 200;
    private const int MostRounds = 120;

    [Fact]
    public void Writes_fail_the_disk_is_full_or_the_process_dies_of_them() =>
        Each((DiskCall.Write, DiskFault.Failed, false), (DiskCall.Write, DiskFault.Full, false), (DiskCall.Write, DiskFault.Death, false));

    [Fact]
    public void Syncs_fail_and_the_process_goes_on_or_dies_of_them() =>
        Each((DiskCall.Sync, DiskFault.Failed, false), (DiskCall.Sync, DiskFault.Failed, true), (DiskCall.Sync, DiskFault.Death, false));

    [Fact]
    public void What_else_is_asked_of_the_disk_fails()
    {
        EachOf(90, (DiskCall.Read, DiskFault.Failed, false));
        // Of these there are only a few at each start and end.
        EachOf(12, (DiskCall.Open, DiskFault.Failed, false), (DiskCall.Delete, DiskFault.Failed, false));
    }

    private void Each(params (DiskCall Call, DiskFault Fault, bool Dies)[] faults) => EachOf(Most, faults);

    private void EachOf(int most, params (DiskCall Call, DiskFault Fault, bool Dies)[] faults) =>
        FailingCalls.Each(output, most, faults, static (call, fault, n, dies) => new Life(call, fault, n, dies).Run());

    /// <summary>A node that stores what changes, a round each, and tries again what failed.</summary>
    private sealed class Life(DiskCall call, DiskFault fault, int n, bool dies)
    {
        private readonly ModelDisk _disk = new(new Dice((ulong)n));
        private readonly Dictionary<SessionId, SessionRecord> _sessions = [];
        private readonly Dictionary<string, Revocation> _revoked = [];
        private SessionFile? _file;

        /// <returns>False when there are not so many such calls.</returns>
        public bool Run()
        {
            ModelVfs.Disk = _disk;
            _disk.Arm(fault, n - 1, call);
            var well = 0;
            for (var round = 1; well < 3 && round <= MostRounds; round++)
            {
                well += _disk.IsArmed ? 0 : 1;
                Round(round);
                if (round % 8 == 0)
                    Close();
            }
            if (_disk.IsArmed)
                return false;
            Die(power: true);
            _file = Open();
            Assert.Equal(_revoked.Values.OrderBy(r => r.Key, StringComparer.Ordinal), _file.Revocations().OrderBy(r => r.Key, StringComparer.Ordinal));
            Assert.Equal(_sessions.Values.Select(s => (s.Id, s.Uid, s.Bytes)).Order(), _file.Sessions(1000).Select(s => (s.Id, s.Uid, s.Bytes)).Order());
            Close();
            return true;
        }

        private void Round(int round)
        {
            SessionRecord[] changed = [Record(round % 40, round), Record(round % 7, round)];
            SessionId[] gone = [Id((round + 20) % 40)];
            foreach (var session in changed)
                _sessions[session.Id] = session;
            _sessions.Remove(gone[0]);
            var revocation = _revoked["u" + round] = new Revocation(RevocationKind.Uid, "u" + round, round, Revocation.Ever, "unpaid", "admin");
            var lifted = new RevocationKey(RevocationKind.Uid, "u" + (round - 10));
            _revoked.Remove(lifted.Key);
            for (var tries = 0; ; tries++)
            {
                try
                {
                    _file ??= Open();
                    if (tries > 0)
                        _file.Replace(_revoked.Values);
                    _file.Save(changed, gone);
                    _file.Put(revocation);
                    _file.Lift(lifted);
                    return;
                }
                catch (Exception e) when (e is DatabaseException or IOException)
                {
                    // One call fails; the next try must not.
                    Assert.True(tries == 0, e.ToString());
                    if (dies || _disk.IsDead)
                        Die(power: _disk.IsDead && n % 2 == 0);
                }
            }
        }

        private SessionFile Open() => SessionFile.Open(Path, TimeProvider.System, static (_, why) => Assert.Fail("set aside: " + why), ModelVfs.Name, _disk.WriteAgain);

        private void Close()
        {
            _file?.Dispose();
            _file = null;
            if (_disk.IsDead)
                _disk.Restart(power: false);
        }

        private void Die(bool power)
        {
            _disk.Die();
            _file?.Dispose();
            _file = null;
            _disk.Restart(power);
        }

        private static SessionId Id(int number) => new((ulong)number, 1);

        private static SessionRecord Record(int number, int round) => new()
        {
            Id = Id(number), Uid = "user-" + number, Address = System.Net.IPAddress.Loopback, UserAgent = new string('a', 100), SeenAt = round, Bytes = round * 1000, Path = "/films/a.ts",
        };
    }
}
