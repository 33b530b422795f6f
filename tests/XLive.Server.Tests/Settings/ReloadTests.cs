using System.Runtime.InteropServices;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed partial class ReloadTests : IDisposable
{
    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_changed_file_replaces_all_values_at_once_and_old_snapshots_stay()
    {
        _folder.Write("conf.yaml", "probe: {count: 2, text: a}");
        var settings = _folder.Load("--probe.whole=5");
        var before = settings.Of<ProbeOptions>();
        var other = settings.Of<OtherOptions>();
        IReadOnlySet<string>? changed = null;
        settings.Changed += keys => changed = keys;
        _folder.Write("conf.yaml", "probe: {count: 3, text: a, whole: 9}");
        Assert.Empty(settings.Reload());
        Assert.Equal((3, 5L), (settings.Of<ProbeOptions>().Count, settings.Of<ProbeOptions>().Whole));
        Assert.Equal(2, before.Count);
        Assert.NotSame(other, settings.Of<OtherOptions>());
        Assert.Equal(["probe.count"], changed!);
        changed = null;
        settings.Reload();
        Assert.Null(changed);
    }

    [Fact]
    public void A_key_taken_out_of_the_file_returns_to_its_default()
    {
        _folder.Write("conf.yaml", "probe: {count: 2}");
        var settings = _folder.Load();
        _folder.Write("conf.yaml", "probe:\n");
        Assert.Empty(settings.Reload());
        Assert.Equal(5, settings.Of<ProbeOptions>().Count);
    }

    [Theory]
    [InlineData("probe: {count: many}")]
    [InlineData("probe: {cuont: 3}")]
    [InlineData("probe: {")]
    [InlineData("probe: {count: 66}")]
    [InlineData("probe: {count: 3, fixed: 66}")]
    public void A_broken_file_is_refused_as_a_whole(string broken)
    {
        _folder.Write("conf.yaml", "probe: {count: 2, flag: on}");
        var settings = _folder.Load();
        IReadOnlyList<SettingsFault>? refused = null;
        settings.ReloadRefused += faults => refused = faults;
        settings.Changed += _ => Assert.Fail("nothing has changed");
        _folder.Write("conf.yaml", broken);
        var faults = settings.Reload();
        Assert.NotEmpty(faults);
        Assert.Same(faults, refused);
        Assert.Equal((2, true), (settings.Of<ProbeOptions>().Count, settings.Of<ProbeOptions>().Flag));
    }

    [Fact]
    public void A_file_that_is_gone_changes_nothing()
    {
        var path = _folder.Write("conf.yaml", "probe: {count: 2}");
        _folder.Write("config/conf.yaml", "probe: {count: 3}");
        var settings = _folder.Load();
        File.Delete(path);
        Assert.Contains("is gone", Assert.Single(settings.Reload()).Problem, StringComparison.Ordinal);
        Assert.Equal(2, settings.Of<ProbeOptions>().Count);
    }

    [Fact]
    public void What_needs_a_restart_keeps_running_and_is_shown_as_pending()
    {
        _folder.Write("conf.yaml", "probe: {fixed: 2, count: 2}");
        var settings = _folder.Load();
        IReadOnlySet<string> changed = new HashSet<string>();
        settings.Changed += keys => changed = keys;
        _folder.Write("conf.yaml", "probe: {fixed: 3, count: 3}");
        Assert.Empty(settings.Reload());
        Assert.Equal((2, 3), (settings.Of<ProbeOptions>().Fixed, settings.Of<ProbeOptions>().Count));
        Assert.Equal(["probe.count"], changed);
        SettingDescription Row() => settings.Describe().Single(d => d.Key == "probe.fixed");
        Assert.Equal(("2", "3", true), (Row().Value, Row().Pending, Row().NeedsRestart));
        _folder.Write("conf.yaml", "probe: {count: 3}");
        settings.Reload();
        Assert.Equal(("2", "1"), (Row().Value, Row().Pending));
        _folder.Write("conf.yaml", "probe: {fixed: 2, count: 3}");
        settings.Reload();
        Assert.Null(Row().Pending);
    }

    [Fact]
    public void A_change_that_only_fits_after_a_restart_is_refused()
    {
        _folder.Write("conf.yaml", "probe: {fixed: 1, count: 2}");
        var settings = _folder.Load();
        _folder.Write("conf.yaml", "probe: {fixed: 2, count: 99}");
        Assert.Contains("wait for a restart", Assert.Single(settings.Reload()).Problem, StringComparison.Ordinal);
        Assert.Equal(2, settings.Of<ProbeOptions>().Count);
        Assert.Null(settings.Describe().Single(d => d.Key == "probe.fixed").Pending);
    }

    [Fact]
    public void A_throwing_subscriber_harms_neither_the_others_nor_the_settings()
    {
        _folder.Write("conf.yaml", "");
        var settings = _folder.Load();
        var heard = 0;
        var failures = new List<Exception>();
        settings.Changed += _ => throw new InvalidOperationException("mine");
        settings.Changed += _ => heard++;
        settings.SubscriberFailed += failures.Add;
        _folder.Write("conf.yaml", "probe: {count: 3}");
        Assert.Empty(settings.Reload());
        Assert.Equal((1, "mine"), (heard, Assert.Single(failures).Message));
    }

    [Fact]
    public async Task The_watch_sees_writes_renames_swapped_links_secrets_and_new_files()
    {
        // As Kubernetes mounts a ConfigMap: conf.yaml -> ..data/conf.yaml, ..data -> a folder that is replaced.
        void Mount(string version, string text)
        {
            var file = _folder.Write($"{version}/conf.yaml", text);
            File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch);
            var fresh = Path.Combine(_folder.Path, "fresh");
            File.CreateSymbolicLink(fresh, version);
            Assert.Equal(0, Rename(fresh, Path.Combine(_folder.Path, "..data")));
        }

        _folder.Write("s", "one1");
        var settings = _folder.Load();
        using var stop = new CancellationTokenSource();
        var watch = settings.Watch(TimeProvider.System, stop.Token);
        var refusals = 0;
        settings.ReloadRefused += _ => Interlocked.Increment(ref refusals);

        // A file appears where there was none.
        File.CreateSymbolicLink(Path.Combine(_folder.Path, "conf.yaml"), "..data/conf.yaml");
        Mount("v1", "probe: {count: 2, secret_file: s}");
        await Until(() => settings.Of<ProbeOptions>().Count == 2);

        // Same size, same time, another folder.
        Mount("v2", "probe: {count: 3, secret_file: s}");
        await Until(() => settings.Of<ProbeOptions>().Count == 3);

        _folder.Write("s", "two2");
        await Until(() => settings.Of<ProbeOptions>().Secret == "two2");

        // Refused once, not at each look; then cured by the secret alone.
        Mount("v3", "probe: {count: 4, secret_file: t}");
        await Until(() => refusals == 1);
        await Task.Delay(1200, stop.Token);
        Assert.Equal(1, refusals);
        Assert.Equal(3, settings.Of<ProbeOptions>().Count);
        _folder.Write("t", "three");
        await Until(() => settings.Of<ProbeOptions>() is { Count: 4, Secret: "three" });

        await stop.CancelAsync();
        await watch;
    }

    // File.Move follows the link and finds no file.
    [LibraryImport("libc", EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Rename(string from, string to);

    private static async Task Until(Func<bool> condition)
    {
        var begun = Environment.TickCount64;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 - begun < 20_000, "waited 20 s in vain");
            await Task.Delay(20);
        }
    }
}
