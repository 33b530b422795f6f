namespace XLive.Server.Telemetry;

/// <summary>
/// The console as a place for log lines. Behind the same bounded buffer as the files: a terminal stopped with Ctrl-S, or a pipe that
/// nobody reads, must not stop a server.
/// </summary>
public sealed class ConsoleLines : IDisposable
{
    private const int BufferBytes = 256 << 10;

    private readonly Stream _out;
    private readonly LineBuffer _lines;

    public ConsoleLines(Stream? to = null, Supervisor? supervisor = null)
    {
        _out = to ?? Console.OpenStandardOutput();
        _lines = new LineBuffer("console", BufferBytes, Take, supervisor);
    }

    public long Dropped => _lines.Dropped;

    public void Write(ReadOnlySpan<byte> line) => _lines.Add(line);

    public bool Flush() => _lines.Flush(TimeSpan.FromSeconds(1));

    public void Dispose()
    {
        Flush();
        _lines.Dispose();
    }

    private int Take(ReadOnlySpan<byte> lines)
    {
        _out.Write(lines);
        _out.Flush();
        return lines.Length;
    }
}
