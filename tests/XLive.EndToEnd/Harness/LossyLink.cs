namespace XLive.EndToEnd.Harness;

/// <summary>A bad network between two namespaces (../shared/lossylink): the server's end and the viewer's.</summary>
public sealed class LossyLink : IAsyncDisposable
{
    public const string ServerAddress = "10.77.0.1";

    static int s_last;
    static readonly Lazy<Task<string>> Script = new(Prepare);
    readonly string _name = $"xl{Environment.ProcessId % 100_000}{Interlocked.Increment(ref s_last)}";
    readonly string _script;

    LossyLink(string script) => _script = script;

    public string ServerSide => _name + "-a";
    public string ViewerSide => _name + "-b";

    /// <param name="options">As link.sh takes them: "-x delay=75 -f rate=10m,loss=1.5".</param>
    public static async Task<LossyLink> Up(string options)
    {
        var link = new LossyLink(await Script.Value);
        await link.Ask("up", options.Split(' '));
        return link;
    }

    /// <summary>Nothing gets through in either direction, and nobody is told.</summary>
    public Task Black() => Both("loss=100");

    public Task Clear() => Both("loss=0");

    public async ValueTask DisposeAsync() => await Ask("down", []);

    async Task Both(string setting)
    {
        await Ask("set", [$"ab {setting}"]);
        await Task.Delay(50); // one line at a time: the pipe is read as it comes
        await Ask("set", [$"ba {setting}"]);
    }

    async Task Ask(string verb, string[] words) =>
        (await Tool.Run("sh", [_script, verb, _name, .. words], TimeSpan.FromSeconds(15))).MustSucceed();

    static async Task<string> Prepare()
    {
        // link.sh builds what lies beside it, and nothing is to be built outside artifacts/.
        var program = await SharedSource.Compile("lossylink/lossylink.c", "lossylink", "-lm");
        var folder = Path.GetDirectoryName(program)!;
        foreach (var file in (string[])["lossylink.c", "link.sh"])
        {
            File.Copy(Path.Combine(SharedSource.Folder, "lossylink", file), Path.Combine(folder, file), overwrite: true);
        }
        File.SetLastWriteTimeUtc(program, DateTime.UtcNow);
        return Path.Combine(folder, "link.sh");
    }
}
