using System.ComponentModel;
using System.Diagnostics;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Telemetry;

namespace XLive.Server.Ingest.Ladder;

/// <summary>
/// The ffmpeg of one stream, which makes all its rungs of one decoding: a viewer that is too slow misses frames like any other, and costs the publisher
/// nothing. It is begun again when it ends, and ended when the stream does.
/// </summary>
#pragma warning disable CA1001 // nothing of it is held once it has ended
internal sealed class Encoder
#pragma warning restore CA1001
{
    // It reads as fast as it encodes. For so long it may stand still.
    private static readonly TimeSpan ToTake = TimeSpan.FromSeconds(10);

    // For what it still has in hand when the stream is over, until it is killed.
    private static readonly TimeSpan ToFinish = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan ForItsPublisher = TimeSpan.FromSeconds(0.2);

    private const int LongestTrouble = 300;

    private readonly LiveStream _stream;
    private readonly Ladders _home;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RelayPause _pause = new();
    private readonly SupervisedLoop _loop;
    private readonly Lock _gate = new();
    private Process? _process;
    private long _writesSince; // 0: it takes what it is given
    private string _said = "";

    public Encoder(LiveStream stream, IReadOnlyList<LadderEntry> rungs, Ladders home)
    {
        (_stream, Rungs, _home) = (stream, rungs, home);
        _loop = home.Supervisor.OnThread($"ladder {stream.Name}", 256 * 1024, Run);
    }

    public LiveStream Stream => _stream;
    public IReadOnlyList<LadderEntry> Rungs { get; }
    public Task Ended => _ended.Task;

    /// <summary>Why it ended last; while it runs, empty.</summary>
    public string Trouble { get; private set; } = "";

    public bool IsRunning
    {
        get
        {
            lock (_gate)
                return _process is not null;
        }
    }

    public long Skipped { get; private set; }

    public void Stop() => _stop.Cancel();

    /// <summary>Once a second: one that takes nothing more is ended, and its thread with what it waits for.</summary>
    public void Look()
    {
        var since = Volatile.Read(ref _writesSince);
        if (since != 0 && _home.Clock.GetElapsedTime(since) > ToTake)
            Kill("it takes nothing more");
    }

    private bool MayGoOn => !_stop.IsCancellationRequested && !_stream.IsOver;

    private void Run(SupervisedLoop loop)
    {
        while (MayGoOn)
        {
            loop.Rest();
            var began = _home.Clock.GetTimestamp();
            // A publisher who comes back has other times: they are told by a new beginning.
            if (_stream.Publication is { } publication && Turn(publication))
                continue;
            if (!MayGoOn)
                break;
            if (_stream.Publication is null)
            {
                Wait(ForItsPublisher);
                continue;
            }
            var pause = _pause.Next(_home.Clock.GetElapsedTime(began));
            _home.SaidTrouble(_stream.Name, Trouble, pause);
            Wait(pause);
        }
        loop.Dispose();
        _ended.TrySetResult();
    }

    private void Wait(TimeSpan time) => Task.Delay(time, _home.Clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();

    /// <returns>It is to begin again at once.</returns>
    private bool Turn(Publication publication)
    {
        var keys = Rungs.Select(r => (Rung: r, Name: r.NameFor(_stream.Name)!.Value)).Select(r => (r.Rung, r.Name, Query: _home.Own.Give(r.Name.App, r.Name.Stream, $"{Ladders.Holder}{r.Name}", _stream.Name.ToString()))).ToList();
        try
        {
            using var process = Start([.. keys.Select(k => (k.Rung, $"rtmp://{_home.Address}/{k.Name.App}/{k.Name.Stream}?{k.Query}"))]);
            if (process is null)
                return false;
            try
            {
                return Feed(process, publication);
            }
            finally
            {
                End(process, keys.Select(static k => k.Query));
            }
        }
        finally
        {
            foreach (var key in keys)
                _home.Own.Take(key.Query);
        }
    }

    private Process? Start(IReadOnlyList<(LadderEntry Rung, string Url)> outputs)
    {
        _said = "";
        var process = new Process { StartInfo = EncoderCall.Of(_home.Program, outputs) };
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) => _said = line.Data is { Length: > 0 } words ? words : _said;
        try
        {
            process.Start();
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException)
        {
            Trouble = $"{_home.Program} cannot be started: {e.Message}";
            process.Dispose();
            return null;
        }
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            // Viewers come first.
            process.PriorityClass = ProcessPriorityClass.BelowNormal;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            // It has ended already, or may not.
        }
        lock (_gate)
            _process = process;
        Trouble = "";
        _home.SaidBegun(_stream.Name, Rungs.Count);
        return process;
    }

    /// <returns>Another publisher has come.</returns>
    private bool Feed(Process process, Publication publication)
    {
        using var cursor = _stream.Watch(ViewerKind.Ladder);
        cursor.Takes = FlvHead.TakenOf(cursor);
        var input = process.StandardInput.BaseStream;
        var gone = process.WaitForExitAsync(_stop.Token);
        try
        {
            Write(input, FlvHead.Of(cursor).Span);
            while (!gone.IsCompleted)
            {
                if (_stream.Publication is { } now && now != publication)
                {
                    Kill("its publisher is another");
                    return true;
                }
                var (coming, isOver) = (cursor.Coming, cursor.IsOver);
                if (!cursor.TryRead(Cursor.MostAtOnce, out var piece))
                {
                    // One whose codec has changed is begun anew.
                    if (isOver || cursor.NotTaken is not null)
                        return !isOver;
                    Task.WhenAny(coming, gone).GetAwaiter().GetResult();
                    continue;
                }
                try
                {
                    Write(input, piece.Bytes.Span);
                }
                finally
                {
                    piece.Owner.Release();
                }
                Skipped = cursor.Skipped;
            }
        }
        catch (IOException)
        {
            // It has ended, or was.
        }
        return false;
    }

    private void Write(Stream input, ReadOnlySpan<byte> bytes)
    {
        Volatile.Write(ref _writesSince, Math.Max(1, _home.Clock.GetTimestamp()));
        try
        {
            input.Write(bytes);
            input.Flush();
        }
        finally
        {
            Volatile.Write(ref _writesSince, 0);
        }
    }

    private void End(Process process, IEnumerable<string> secrets)
    {
        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has gone before.
        }
        if (!process.WaitForExit(ToFinish))
            Kill("it does not end");
        process.WaitForExit();
        lock (_gate)
            _process = null;
        if (Trouble.Length > 0)
            return;
        var said = secrets.Aggregate(_said, static (words, secret) => words.Replace(secret, "key=***", StringComparison.Ordinal));
        said = new string([.. said.Take(LongestTrouble).Select(static c => char.IsControl(c) ? ' ' : c)]);
        Trouble = said.Length > 0 ? said : $"it ended with {process.ExitCode}";
    }

    private void Kill(string why)
    {
        lock (_gate)
        {
            if (_process is null)
                return;
            Trouble = why;
            try
            {
                _process.Kill(entireProcessTree: true);
            }
            catch (Exception e) when (e is InvalidOperationException or Win32Exception)
            {
                // It has ended meanwhile.
            }
        }
    }
}
