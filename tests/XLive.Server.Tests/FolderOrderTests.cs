using System.Reflection;
using System.Runtime.CompilerServices;
using XLive.Server.Tests.Architecture;

namespace XLive.Server.Tests;

/// <summary>The layout of the house, executed. When it fails, move the code or change the house; do not make an exception.</summary>
public sealed class FolderOrderTests
{
    private static readonly Assembly Server = typeof(Program).Assembly;
    private static readonly Assembly Media = Assembly.Load("XLive.Media");

    public static TheoryData<string> ForbiddenFixtures =>
        [.. typeof(global::XLive.Server.Telemetry.FixtureClean).Assembly.GetTypes().Where(t => t.Namespace == "XLive.Server.Telemetry" && t.Name.StartsWith("Use", StringComparison.Ordinal)
            && !t.IsNested).Select(t => t.FullName!)];

    [Fact]
    public void A_folder_uses_only_those_above_it() => Assert.Empty(FolderOrder.Violations(Server.GetTypes()));

    [Fact]
    public void Namespaces_are_folders()
    {
        Assert.Empty(FolderOrder.Misplaced(Source("XLive.Server"), "XLive.Server"));
        Assert.Empty(FolderOrder.Misplaced(Source("XLive.Media"), "XLive.Media"));
    }

    [Fact]
    public void The_byte_layer_references_nothing_but_the_base_library()
    {
        var library = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        Assert.All(Media.GetReferencedAssemblies(), a => Assert.True(File.Exists(Path.Combine(library, a.Name + ".dll")), a.Name));
        Assert.DoesNotContain(Media.GetReferencedAssemblies(), a => a.Name!.StartsWith("System.Net", StringComparison.Ordinal));
    }

    [Fact]
    public void The_byte_layer_has_no_wires_and_no_clock() => Assert.Empty(FolderOrder.ImpureUses(Media.GetTypes()));

    [Theory]
    [MemberData(nameof(ForbiddenFixtures))]
    public void A_forbidden_use_is_reported_wherever_it_hides(string fixture)
    {
        var type = typeof(global::XLive.Server.Telemetry.FixtureClean).Assembly.GetType(fixture)!;
        var found = FolderOrder.Violations(TypeUses.WithNested(type)).ToList();
        Assert.NotEmpty(found);
        Assert.All(found, v => Assert.Contains(fixture.Split('`')[0], v, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseAsField), "field _door): Telemetry stands above Door")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseAsGenericArgument), "field _doors): Telemetry stands above Door")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseAsAttribute), "attribute on the type)")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseAsAttributeArgument), "argument of an attribute")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseInCall), "body of Go)")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseAfterSwitch), "body of Go)")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseInAsync), "body of MoveNext)")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseInIterator), "body of MoveNext)")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseInLambda), "body of <Go>")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseInCatch), "catch in Go)")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseOfRoot), "XLive.Server is no folder of the house")]
    [InlineData(typeof(global::XLive.Server.Telemetry.UseOfUnknownFolder), "XLive.Server.Helpers is no folder of the house")]
    [InlineData(typeof(Helpers.FixtureLost), "is no folder of the house")]
    [InlineData(typeof(global::XLive.Server.Door.Inner.FixtureTooDeep), "is no folder of the house")]
    [InlineData(typeof(FixtureInRoot), "is no folder of the house")]
    [InlineData(typeof(Ingest.Pull.FixtureIngest), "field _playback)")]
    [InlineData(typeof(Playback.Hls.FixturePlayback), "field _source): Playback and Ingest never name each other")]
    public void A_report_says_what_and_where(Type fixture, string words) =>
        Assert.Contains(FolderOrder.Violations(TypeUses.WithNested(fixture)), v => v.Contains(words, StringComparison.Ordinal));

    [Theory]
    [InlineData(typeof(global::XLive.Server.Telemetry.FixtureClean))]
    [InlineData(typeof(global::XLive.Server.Door.FixtureAllowed))]
    [InlineData(typeof(Ingest.Pull.FixtureSource))]
    [InlineData(typeof(Playback.Hls.FixtureFree))]
    public void What_is_allowed_is_not_reported(Type fixture) => Assert.Empty(FolderOrder.Violations(TypeUses.WithNested(fixture)));

    [Theory]
    [InlineData(typeof(ClockByNow), true)]
    [InlineData(typeof(ClockByWatch), true)]
    [InlineData(typeof(ClockByProvider), true)]
    [InlineData(typeof(ClockByTicks), true)]
    [InlineData(typeof(ClockByDelay), true)]
    [InlineData(typeof(WireBySocket), true)]
    [InlineData(typeof(PureDate), false)]
    public void Clocks_and_wires_are_found(Type fixture, bool impure) =>
        Assert.Equal(impure, FolderOrder.ImpureUses(TypeUses.WithNested(fixture)).Any());

    [Fact]
    public void A_file_in_the_wrong_folder_is_found()
    {
        var folder = Directory.CreateTempSubdirectory("xlive-folders-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "Door/Inner"));
            File.WriteAllText(Path.Combine(folder, "Door/Inner/A.cs"), "using System;\n\nnamespace XLive.Server.Door;\n");
            File.WriteAllText(Path.Combine(folder, "Door/B.cs"), "namespace XLive.Server.Door;\n");
            File.WriteAllText(Path.Combine(folder, "C.cs"), "namespace XLive.Server;\n");
            Assert.Equal("Door/Inner/A.cs has the namespace XLive.Server.Door instead of XLive.Server.Door.Inner",
                Assert.Single(FolderOrder.Misplaced(folder, "XLive.Server")));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static string Source(string project, [CallerFilePath] string here = "") =>
        Path.GetFullPath($"../../src/{project}", Path.GetDirectoryName(here)!);
}
