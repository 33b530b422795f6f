using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed partial class ReferenceFileTests : IDisposable
{
    private static readonly SettingKeys Keys = SettingKeys.Of(SettingKeys.OptionTypesOf(typeof(ServerSettings).Assembly));

    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_file_at_the_root_is_what_the_keys_say()
    {
        var path = Path.GetFullPath("../../../conf.yaml", Path.GetDirectoryName(Here())!);
        var rendered = ReferenceFile.Render(Keys);
        if (Environment.GetEnvironmentVariable("XLIVE_WRITE_REFERENCE") == "1")
        {
            File.WriteAllText(path, rendered);
        }

        Assert.True(File.ReadAllText(path) == rendered, "conf.yaml lags behind the keys; XLIVE_WRITE_REFERENCE=1 ./test ReferenceFile rewrites it");
    }

    [Fact]
    public void As_shipped_it_changes_nothing()
    {
        _folder.Write("conf.yaml", ReferenceFile.Render(Keys));
        var settings = ServerSettings.Load(_folder.Input());
        Assert.Empty(settings.Warnings);
        Assert.NotNull(settings.File);
        Assert.All(settings.Describe(), d => Assert.Equal((d.Key, "default"), (d.Key, d.Source)));
    }

    [Fact]
    public void Uncommented_it_sets_every_key_to_its_default()
    {
        var text = Uncommented(ReferenceFile.Render(Keys), _ => true);
        _folder.Write("conf.yaml", text);
        var settings = ServerSettings.Load(_folder.Input());
        Assert.All(settings.Describe(), d =>
        {
            Assert.StartsWith("conf.yaml:", d.Source, StringComparison.Ordinal);
            Assert.Equal((d.Key, d.Default), (d.Key, d.Value));
        });
    }

    [Fact]
    public void Each_line_can_be_uncommented_alone()
    {
        var rendered = ReferenceFile.Render(Keys);
        var lines = rendered.Split('\n').Count(l => KeyLine().IsMatch(l));
        Assert.Equal(Keys.All.Count, lines);
        for (var i = 0; i < lines; i++)
        {
            var at = 0;
            _folder.Write("conf.yaml", Uncommented(rendered, _ => at++ == i));
            Assert.Single(ServerSettings.Load(_folder.Input()).Describe(), d => d.Source != "default");
        }
    }

    [Fact]
    public void Every_key_says_why_on_a_line_that_can_be_read() =>
        Assert.All(Keys.All, k => Assert.InRange(k.Why.Length, 5, 140));

    private static string Uncommented(string text, Func<string, bool> which) =>
        string.Join('\n', text.Split('\n').Select(l => KeyLine().IsMatch(l) && which(l) ? KeyLine().Replace(l, "$1") : l));

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^( +)# (?=[a-z])")]
    private static partial Regex KeyLine();
}
