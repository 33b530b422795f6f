namespace XLive.Server.Tests.Delivery;

/// <summary>One server for a class's tests, with files that none of them changes.</summary>
public class SharedServer : IAsyncLifetime
{
    public const int Small = 10_000;
    public const int Large = 3 * 1024 * 1024 + 7;

    protected virtual string[] Settings => [];

    public TestServer Server { get; private set; } = null!;
    public byte[] SmallBytes { get; } = Pattern.Bytes(Small);
    public byte[] LargeBytes { get; } = Pattern.Bytes(Large, 2);

    public static readonly DateTime Modified = new(2024, 5, 6, 7, 8, 9, 123, DateTimeKind.Utc);

    /// <summary>Long enough to be worth gzip.</summary>
    public static readonly string Vod = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-KEY:METHOD=AES-128,URI=\"secret.bin\"\n"
        + string.Concat(Enumerable.Range(0, 60).Select(i => $"#EXTINF:6,\nseg{i}.ts\n")) + "#EXT-X-ENDLIST\n";

    public static readonly string Growing = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n/films/a.ts\n";

    public async ValueTask InitializeAsync()
    {
        Server = await TestServer.StartAsync(Settings);
        Dated("films/a.ts", SmallBytes);
        Dated("films/large.ts", LargeBytes);
        Dated("films/empty.ts", []);
        Dated("films/vod.m3u8", System.Text.Encoding.UTF8.GetBytes(Vod));
        Dated("films/growing.m3u8", System.Text.Encoding.UTF8.GetBytes(Growing));
        Dated("films/main.m3u8", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000000\nvod.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1\ngrowing.m3u8\n"u8);
        Dated("films/secret.bin", Pattern.Bytes(32));
    }

    private void Dated(string name, ReadOnlySpan<byte> bytes) => File.SetLastWriteTimeUtc(Server.Write(name, bytes), Modified);

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
