using System.Diagnostics;
using System.Globalization;
using XLive.EndToEnd.Harness;
using XLive.Media;
using XLive.Media.Fmp4;
using XLive.Media.Tests.Fmp4;

namespace XLive.EndToEnd;

/// <summary>
/// A player of each rendition that reloads as fast as the server lets it, through two losses of the publisher: every playlist is held to the rules, by us and
/// by a strict parser of others, everything named is fetched until its last moment, delta updates are merged, parts compared with their segments.
/// </summary>
[Collection(Undisturbed.Name)]
public sealed class ConformanceTests
{
    // ./bench conformance takes five minutes.
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(
        Environment.GetEnvironmentVariable("XLIVE_CONFORMANCE_SECONDS") is { } given ? int.Parse(given, CultureInfo.InvariantCulture) : 18);

    [Fact]
    public async Task Every_playlist_through_two_returns_of_the_publisher()
    {
        using var folder = new TempFolder();
        var texts = Directory.CreateDirectory(folder["texts"]).FullName;
        await using var server = await ServerProcess.Start(folder.Path, "--auth.enable=false", "--live.segment_seconds=1", "--live.part_ms=200", "--live.window=10");
        Process Publish() => Process.Start(new ProcessStartInfo("ffmpeg", ["-hide_banner", "-loglevel", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30", "-f", "lavfi", "-i", "sine=f=440:r=44100",
            "-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-bf", "2", "-b:v", "300k", "-c:a", "aac", "-t", $"{Length.TotalSeconds + 42}", "-f", "flv", $"rtmp://127.0.0.1:{server.RtmpPort}/live/cam"]) { RedirectStandardInput = true })!;
        var publisher = Publish();
        try
        {
            var link = ServerProcess.Sign("/live/cam.m3u8", scope: "/live/cam").InQuery;
            string entry;
            for (var clock = Stopwatch.StartNew(); (entry = await Get(server, link)).Length == 0; await Task.Delay(100, TestContext.Current.CancellationToken))
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(15), "no stream");
            await File.WriteAllTextAsync(Path.Combine(texts, "multivariant.m3u8"), entry, TestContext.Current.CancellationToken);
            var media = new Uri(server.Http.BaseAddress!, entry.TrimEnd().Split('\n')[^1]).AbsolutePath;
            var life = media[..(media.LastIndexOf('/') + 1)];
            var (video, audio) = (new Follower(server, life, TrackKind.Video, texts), new Follower(server, life, TrackKind.Audio, texts));
            var following = Task.WhenAll(video.Run(), audio.Run());
            foreach (var _ in (int[])[1, 2])
            {
                await Task.Delay(Length / 3, TestContext.Current.CancellationToken);
                Tool.Signal(publisher, Tool.SigKill);
                await publisher.WaitForExitAsync(TestContext.Current.CancellationToken);
                publisher.Dispose();
                publisher = Publish();
            }
            await following;
            Assert.Empty(video.Faults.Concat(audio.Faults));
            Assert.All((Follower[])[video, audio], static f => Assert.True(f.Discontinuities >= 2 && f.Merged > 0 && f.Compared > 5, $"{f.Discontinuities} discontinuities, {f.Merged} merged, {f.Compared} compared"));
            var parsed = (await Tool.Run("node", ["parse.mjs", texts], TimeSpan.FromSeconds(30), Path.Combine(Repository.EndToEnd, "browser"))).MustSucceed();
            Assert.Equal(Directory.GetFiles(texts).Length.ToString(CultureInfo.InvariantCulture), parsed.Output.Trim());
            foreach (var (name, f) in (ReadOnlySpan<(string, Follower)>)[("video", video), ("audio", audio)])
                TestContext.Current.TestOutputHelper!.WriteLine($"| {name} | {Length.TotalSeconds:0} | {f.Playlists} | {f.Merged} | {f.Compared} | {f.Fetched} | {f.Discontinuities} | {f.Faults.Count} |");
        }
        finally
        {
            await Tool.Stop(publisher, TimeSpan.FromSeconds(2));
            publisher.Dispose();
        }
    }

    private static async Task<string> Get(ServerProcess server, string target)
    {
        using var answer = await server.Http.GetAsync(target, TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken) : "";
    }

    private sealed class Follower(ServerProcess server, string life, TrackKind kind, string texts)
    {
        private readonly RenditionChecker _checker = new(kind);
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public int Playlists { get; private set; }
        public int Fetched { get; private set; }
        public List<string> Faults => _checker.Faults;
        public int Discontinuities { get; private set; }
        public int Merged { get; private set; }
        public int Compared { get; private set; }

        public async Task Run()
        {
            var path = life + CmafName.OfPlaylist(kind);
            var query = "";
            var discontinuous = new HashSet<string>();
            var looked = TimeSpan.Zero;
            while (_clock.Elapsed < Length)
            {
                var bytes = await Bytes(path + query);
                if (bytes is null)
                {
                    Faults.Add("a reload that was refused: " + query);
                    return;
                }
                await File.WriteAllBytesAsync(Path.Combine(texts, $"{kind}-{Playlists++}.m3u8"), bytes, TestContext.Current.CancellationToken);
                var text = new RenditionText(bytes);
                _checker.See(text, DateTimeOffset.UtcNow);
                foreach (var segment in text.Segments.Where(static s => s.IsDiscontinuity))
                    discontinuous.Add(segment.Uri);
                Discontinuities = discontinuous.Count;
                query = $"?_HLS_msn={text.Last + 1}&_HLS_part={text.Tail.Parts.Count}";
                await Merge(path, text);
                if (_clock.Elapsed - looked < TimeSpan.FromSeconds(2))
                    continue;
                looked = _clock.Elapsed;
                await Compare(text);
                // What the playlist has dropped, up to its last moment; a second for those that go while we ask.
                var asked = new List<(long, int)>();
                _checker.Fetch((number, part) =>
                {
                    asked.Add((number, part));
                    return true;
                }, DateTimeOffset.UtcNow.AddSeconds(1));
                Fetched += asked.Count;
                foreach (var (number, part) in asked)
                {
                    if (await Bytes(life + (part < 0 ? CmafName.OfSegment(kind, number) : CmafName.OfPart(kind, number, part))) is null)
                        Faults.Add($"H12: {number}.{part} cannot be fetched");
                }
            }
        }

        private async Task Merge(string path, RenditionText whole)
        {
            if (await Bytes($"{path}?_HLS_msn={whole.Last}&_HLS_skip=YES") is not { } bytes)
            {
                Faults.Add("a delta update was refused");
                return;
            }
            var delta = new RenditionText(bytes);
            // Of a later moment it is another playlist's.
            if (delta.Skipped == 0 || delta.Last != whole.Last || delta.Tail.Parts.Count != whole.Tail.Parts.Count)
                return;
            _checker.SeeDelta(delta, whole);
            Merged++;
        }

        private async Task Compare(RenditionText text)
        {
            foreach (var (segment, number) in text.Segments.Select((s, i) => (s, text.MediaSequence + i)).Where(static s => s.s.Parts.Count > 0))
            {
                var whole = await Bytes(life + segment.Uri);
                using var parts = new MemoryStream();
                foreach (var part in segment.Parts)
                    parts.Write(await Bytes(life + part.Uri) ?? []);
                if (whole is null || !parts.ToArray().AsSpan().SequenceEqual(whole))
                    Faults.Add($"L6: segment {number} is not its parts");
                Compared++;
            }
        }

        private async Task<byte[]?> Bytes(string target)
        {
            using var answer = await server.Http.GetAsync(target, TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken) : null;
        }
    }
}
