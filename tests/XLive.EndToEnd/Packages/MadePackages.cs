using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>What ./package makes, made once: the program is compiled anew for it, which takes a minute where it was not before.</summary>
public sealed record MadePackages(string Folder, string Archive, string Debian, string Docker)
{
    static readonly Lazy<Task<MadePackages>> Made = new(Make);

    public static Task<MadePackages> Get() => Made.Value;

    /// <summary>The version in the folder's name.</summary>
    public string Version => Path.GetFileName(Folder)["xlive-".Length..^"-linux-x64".Length];

    static async Task<MadePackages> Make()
    {
        (await Tool.Run(Path.Combine(Repository.Root, "package"), [], TimeSpan.FromMinutes(10), Repository.Root)).MustSucceed();
        var place = Path.Combine(Repository.Artifacts, "package");
        return new(Assert.Single(Directory.GetDirectories(place, "xlive-*-linux-x64")), Assert.Single(Directory.GetFiles(place, "xlive-*.tar.gz")),
            Assert.Single(Directory.GetFiles(place, "xlive_*_amd64.deb")), Path.Combine(place, "docker"));
    }

    /// <summary>For <see cref="ServerProcess"/>: the program at the path instead of the one that was built for the tests, where there is no other runtime.</summary>
    public static Surroundings Instead(string program) => new(Within: ["sh", "-c", "shift; exec \"$0\" \"$@\"", program], Environment: new() { ["DOTNET_ROOT"] = "/nonexistent" });
}
