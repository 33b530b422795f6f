using System.Net;
using XLive.Fuzz.Engine;
using XLive.Server.Storage;
using XLive.Server.Traffic;
using XLive.Server.Traffic.Counters;

namespace XLive.Fuzz.Books;

/// <summary>
/// One life of a node's books, made of dice: viewers, cuts, a receiver, and whatever can go wrong with a process, a disk and a clock. After
/// every few steps the oracle is asked. The code that runs is the server's; only disk, clock and network are the model's.
/// </summary>
internal sealed partial class BooksModel : IDisposable
{
    private const string Path = "ledger.db";
    private const int Steps = 120;

    private static readonly string[] s_users = ["anna", "böhm", "c", new('d', 128)];
    private static readonly FileKind[] s_kinds = [FileKind.Ts, FileKind.M3u8, FileKind.Mp4];
    private static readonly int[] s_pauses = [1, 1, 1, 5, 20, 61, 300, 700, 2000, 3700, 90_000];
    private static readonly Lazy<ModelDisk> s_new = new(NewDisk);

    private readonly Dice _dice;
    private readonly ModelDisk _disk;
    private readonly Oracle _oracle = new();
    private readonly Receiver _receiver = new();
    private readonly ModelClock _clock = new();
    private readonly TrafficOptions _options = new() { MinBytes = 1000 };
    private readonly Dictionary<long, byte[]> _left = [];
    private readonly Dictionary<long, HistoryBatch> _history = [];
    private readonly List<Viewer> _viewers = [];

#pragma warning disable CA2213 // the ledger closes its file, the meters their slots and those the memory
    private LedgerFile _file = null!;
    private LedgerRows _rows = null!;
    private ModelMemory _memory = null!;
    private CounterSlots _slots = null!;
#pragma warning restore CA2213
    private UserMeters _meters = null!;
    private Ledger _ledger = null!;
    private long _generation;
    private bool _isUp;

    private BooksModel(Dice dice)
    {
        _dice = dice;
        _disk = s_new.Value.Copy(dice);
        ModelVfs.Disk = _disk;
    }

    public int Starts { get; private set; }
    public int PowerLosses { get; private set; }
    public int FailedCuts { get; private set; }
    public int Reports => _receiver.Reports;

    private sealed record Viewer(string Uid, Meter Meter)
    {
        public FileKind Kind { get; set; }
        public long InFlight { get; set; }

        /// <summary>Since the start, while there was no room in the file.</summary>
        public Counts GivenBackInMemory;
    }

    /// <summary>The model after a whole life; throws what was wrong with it.</summary>
    public static BooksModel Run(ulong seed, long index)
    {
        var model = new BooksModel(Dice.For("books", seed, index));
        try
        {
            model.Live();
            return model;
        }
        finally
        {
            model.Dispose();
        }
    }

    private static ModelDisk NewDisk()
    {
        var disk = new ModelDisk(new Dice(1));
        ModelVfs.Disk = disk;
        using (LedgerFile.Open(Path, ModelVfs.Name, disk.WriteAgain, TimeProvider.System))
        {
        }
        return disk;
    }

    private void Live()
    {
        Start();
        for (var step = 0; step < Steps; step++)
        {
            Step();
            if (_disk.IsDead)
                Crash(power: _dice.OneIn(2));
            else if (_dice.OneIn(3))
                Check();
        }
        End();
    }

    private void Step()
    {
        switch (_dice.Below(100))
        {
            case < 36:
                Watch();
                break;
            case < 46:
                GiveBack();
                break;
            case < 54:
                Sync();
                break;
            case < 74:
                _clock.Pass(_dice.Pick<int>(s_pauses));
                Look();
                break;
            case < 76:
                _memory.WriteBack();
                break;
            case < 86:
                Send();
                break;
            case < 89:
                MoveHistory();
                break;
            case < 91:
                _clock.Step(_dice.Pick<int>([-86_400, -3600, -1, 3600, 315_360_000]));
                break;
            case < 94:
                _disk.Arm(_dice.Pick<DiskFault>([DiskFault.Full, DiskFault.Failed, DiskFault.Death]), _dice.Below(40));
                break;
            case < 95:
                _memory.FailsToSync ^= true;
                break;
            case < 96:
                _memory.FailsToGrow ^= true;
                break;
            case < 98:
                Crash(power: _dice.OneIn(2));
                break;
            default:
                Stop();
                break;
        }
    }

    private void Watch()
    {
        var viewer = _viewers[_dice.Below(_viewers.Count)];
        if (_dice.OneIn(4))
        {
            viewer.Meter.CountRequest(viewer.Kind, IPAddress.Loopback);
            _oracle.Add(viewer.Uid, Counts.Kinds, 1);
        }
        viewer.Kind = s_kinds[_dice.Below(s_kinds.Length)];
        viewer.InFlight = 1 + _dice.Below(_dice.OneIn(3) ? 3000 : 300);
        viewer.Meter.Charge(viewer.Kind, viewer.InFlight);
        _oracle.Add(viewer.Uid, (int)viewer.Kind, viewer.InFlight);
    }

    private void GiveBack()
    {
        var viewer = _viewers[_dice.Below(_viewers.Count)];
        if (viewer.InFlight == 0)
            return;
        var untaken = 1 + _dice.Below((int)viewer.InFlight);
        viewer.InFlight = 0;
        viewer.Meter.GiveBack(viewer.Kind, untaken);
        if (_slots.IsInMemory(viewer.Meter.Account.Slot))
            viewer.GivenBackInMemory[(int)viewer.Kind] += untaken;
        _oracle.Add(viewer.Uid, (int)viewer.Kind, -untaken);
    }

    private void Sync()
    {
        try
        {
            _ledger.Sync();
        }
        catch (IOException)
        {
            // As the supervisor has it: the next second tries again.
        }
    }

    private void Look()
    {
        _ledger.Look();
        if (_ledger.Fault is not null)
            FailedCuts++;
    }

    private void Send()
    {
        try
        {
            if (_ledger.Outbox.Oldest() is not { } report)
                return;
            switch (_dice.Below(6))
            {
                case 0:
                    _ledger.Outbox.Failed(report, "500");
                    break;
                case 1:
                    // Taken, and the answer is lost.
                    _receiver.Take(report);
                    _ledger.Outbox.Failed(report, "no answer");
                    break;
                case 2:
                    _ledger.Outbox.Park(report, "422");
                    break;
                case 3 when _ledger.Outbox.List(100).Find(e => e.Parked is not null) is { } parked:
                    _ledger.Outbox.Replay(parked.Id);
                    break;
                default:
                    _receiver.Take(report);
                    _ledger.Outbox.Acknowledge(report);
                    break;
            }
        }
        catch (DatabaseException)
        {
            // The disk; the reporter comes again.
        }
    }

    private void MoveHistory()
    {
        try
        {
            if (_ledger.History.Oldest() is not { } batch)
                return;
            if (!_history.TryAdd(batch.Number, batch) && !batch.Deltas.SequenceEqual(_history[batch.Number].Deltas))
                throw new BooksDisagree($"batch {batch.Number} is another one now");
            if (!_dice.OneIn(3))
                _ledger.History.Forget(batch);
        }
        catch (DatabaseException)
        {
            // The disk; the mover comes again.
        }
    }
}
