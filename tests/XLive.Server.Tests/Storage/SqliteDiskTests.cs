using XLive.Fuzz.Books;
using XLive.Fuzz.Engine;
using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

/// <summary>
/// Each write and sync of the disk below xlive.db fails once, and the process goes on or dies of it: what was committed, before and after, is
/// there when the power fails. A sync that failed has left a hole, which the next process reads well from the system's cache.
/// </summary>
public sealed class SqliteDiskTests(ITestOutputHelper output)
{
    private const int Most = 100;
    private const int MostRounds = 200;

    [Fact]
    public void What_was_committed_is_there_whatever_became_of_the_process_before() => FailingCalls.Each(output, Most,
        [(DiskCall.Sync, DiskFault.Failed, false), (DiskCall.Sync, DiskFault.Failed, true), (DiskCall.Write, DiskFault.Failed, true), (DiskCall.Write, DiskFault.Full, false)],
        static (call, fault, n, dies) => new Life(call, fault, n, dies).Run());

    private sealed class Life(DiskCall call, DiskFault fault, int n, bool dies)
    {
        private readonly ModelDisk _disk = new(new Dice((ulong)n));
        private readonly List<string> _committed = [];
        private Sqlite? _db;

        /// <returns>False when there are not so many such calls.</returns>
        public bool Run()
        {
            ModelVfs.Disk = _disk;
            _disk.Arm(fault, n - 1, call);
            for (int round = 1, well = 0; well < 3 && round <= MostRounds; round++)
            {
                well += _disk.IsArmed ? 0 : 1;
                Commit($"user-{round:000}");
                if (round % 8 == 0)
                    Close();
            }
            if (_disk.IsArmed)
                return false;
            End(power: true);
            Assert.Equal(_committed, Open().Query("SELECT name FROM users ORDER BY name", static row => row.Text(0)));
            End();
            return true;
        }

        private void Commit(string name)
        {
            // One call fails, at the start or later; what comes after it must not.
            for (var tries = 0; ; tries++)
            {
                _db ??= Sqlite.Of("xlive.db", ModelVfs.Name, _disk.WriteAgain);
                try
                {
                    if (!_db.TryJoin())
                        throw _db.Away!;
                    _db.Transaction(() =>
                    {
                        // Nobody knows of a commit that failed whether it came to pass.
                        _db.Execute("INSERT INTO users (name, permissions, password, created) VALUES ($1, 0, $2, 0) ON CONFLICT (name) DO NOTHING", name, new string('p', 3000));
                    });
                    _committed.Add(name);
                    return;
                }
                catch (DatabaseException e)
                {
                    Assert.True(tries == 0, e.ToString());
                    if (dies)
                        End();
                }
            }
        }

        private Sqlite Open()
        {
            _db = Sqlite.Of("xlive.db", ModelVfs.Name, _disk.WriteAgain);
            Assert.True(_db.TryJoin(), _db.Away?.Message);
            return _db;
        }

        private void Close()
        {
            _db?.Dispose();
            _db = null;
        }

        /// <summary>As kill -9 ends it: nothing is tidied up.</summary>
        private void End(bool power = false)
        {
            _disk.Die();
            Close();
            _disk.Restart(power);
        }
    }
}
