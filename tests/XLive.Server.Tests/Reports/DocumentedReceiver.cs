using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using XLive.Server.Storage;
using XLive.Server.Tests.Delivery;
using XLive.Server.Traffic.Reports;

namespace XLive.Server.Tests.Reports;

/// <summary>The receiver of docs/traffic.md, as it stands there.</summary>
internal sealed class DocumentedReceiver : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("xlive-receiver-").FullName;
    // It is HTTP/1.0: a connection ends with its answer.
    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero });
    private readonly Process _python;

    public DocumentedReceiver(string key)
    {
        Key = key;
        var port = FreePort.Next();
        Url = $"http://127.0.0.1:{port}/";
        var script = Path.Combine(_folder, "receiver.py");
        File.WriteAllText(script, Program());
        _python = Process.Start(new ProcessStartInfo("python3", [script, port.ToString(CultureInfo.InvariantCulture), Key, Sums])
        {
            RedirectStandardError = true, // a line a request
        })!;
        _python.ErrorDataReceived += static (_, _) => { };
        _python.BeginErrorReadLine();
        Until.True(() => _python.HasExited || Listens(port), "the receiver");
        Assert.False(_python.HasExited, "the receiver ended");
    }

    public string Key { get; }
    public string Url { get; }

    private string Sums => Path.Combine(_folder, "sums.db");

    public List<(string Uid, long Bytes)> Users => Read("SELECT uid, bytes FROM users ORDER BY uid", static row => (row.Text(0), row.Int64(1)));

    public int Reports => Read("SELECT id FROM reports", static row => row.Text(0)).Count;

    public Task<int> Post(byte[] body) => Post(body, ReportPost.Signature(body, Key));

    public async Task<int> Post(byte[] body, string signature)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.Add("X-Signature", signature);
        using var response = await _http.PostAsync(new Uri(Url), content);
        // Who goes on from here blocks on a socket: not on a thread that moves the server's.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return (int)response.StatusCode;
    }

    private List<T> Read<T>(string sql, Func<SqlRow, T> read)
    {
        using var sums = Sqlite.Open(Sums);
        return sums.Query(sql, read);
    }

    private static bool Listens(int port)
    {
        using var probe = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Connect("127.0.0.1", port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string Program()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "XLive.slnx")))
            folder = Path.GetDirectoryName(folder)!;
        var text = File.ReadAllText(Path.Combine(folder, "docs", "traffic.md"));
        var start = text.IndexOf("```python\n", StringComparison.Ordinal) + "```python\n".Length;
        return text[start..text.IndexOf("```", start, StringComparison.Ordinal)];
    }

    public async ValueTask DisposeAsync()
    {
        _python.Kill();
        await _python.WaitForExitAsync();
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        _python.Dispose();
        _http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
