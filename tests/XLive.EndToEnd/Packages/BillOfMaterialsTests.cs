using System.Text.Json;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Packages;

/// <summary>xlive.cdx.json against what others wrote down: the program's own list of its libraries, and npm's of what it installed.</summary>
[Collection(Undisturbed.Name)]
public sealed class BillOfMaterialsTests
{
    static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_names_each_package_that_was_restored_and_no_other()
    {
        var made = await MadePackages.Get();
        using var bill = await Json(Path.Combine(made.Folder, "xlive.cdx.json"));
        var components = bill.RootElement.GetProperty("components").EnumerateArray().ToArray();
        string[] Named(string kind, string scope) => [.. components.Where(each => each.GetProperty("purl").GetString()!.StartsWith($"pkg:{kind}/", StringComparison.Ordinal)
            && each.GetProperty("scope").GetString() == scope).Select(each => $"{each.GetProperty("name")}/{each.GetProperty("version")}").Order(StringComparer.Ordinal)];

        // What the host loads from, and a self-contained folder's runtime under names of its own.
        using var program = await Json(Path.Combine(made.Folder, "xlive.deps.json"));
        var libraries = program.RootElement.GetProperty("libraries").EnumerateObject().Where(each => each.Value.GetProperty("type").GetString() is not "project")
            .Select(each => each.Name.StartsWith("runtimepack.", StringComparison.Ordinal) ? each.Name["runtimepack.".Length..] : each.Name).Order(StringComparer.Ordinal);
        Assert.Equal(libraries, Named("nuget", "required"));
        Assert.Contains(Named("nuget", "required"), name => name.StartsWith("Microsoft.NETCore.App.Runtime.linux-x64/", StringComparison.Ordinal));
        Assert.Empty(Named("nuget", "excluded"));

        using var installed = await Json(Path.Combine(Repository.Root, "console/node_modules/.package-lock.json"));
        var packages = installed.RootElement.GetProperty("packages").EnumerateObject().Where(each => !each.Value.TryGetProperty("dev", out _))
            .Select(each => $"{each.Name[(each.Name.LastIndexOf("node_modules/", StringComparison.Ordinal) + "node_modules/".Length)..]}/{each.Value.GetProperty("version")}").ToArray();
        var all = (string[])[.. Named("npm", "required"), .. Named("npm", "excluded")];
        Assert.All(packages, name => Assert.Contains(name, all));
        // In the pages; all else was needed to build them. An optional one may be left out by npm, but none of these.
        Assert.Equal(["es6-promise", "events", "hls.js", "mpegts.js"], Named("npm", "required").Select(name => name.Split('/')[0]));
        Assert.All(Named("npm", "required"), name => Assert.Contains(name, packages));
    }

    [Fact]
    public async Task Each_has_a_licence_and_a_checksum_and_is_referred_to()
    {
        var made = await MadePackages.Get();
        using var bill = await Json(Path.Combine(made.Folder, "xlive.cdx.json"));
        var root = bill.RootElement;
        Assert.Equal(("CycloneDX", "1.6"), (root.GetProperty("bomFormat").GetString(), root.GetProperty("specVersion").GetString()));
        Assert.Matches("^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", root.GetProperty("serialNumber").GetString());
        var own = root.GetProperty("metadata").GetProperty("component");
        Assert.Equal(("xlive", made.Version), (own.GetProperty("name").GetString(), own.GetProperty("version").GetString()));
        var references = new HashSet<string>();
        foreach (var component in root.GetProperty("components").EnumerateArray())
        {
            Assert.True(component.GetProperty("licenses").GetArrayLength() > 0, component.ToString());
            Assert.Matches("^[0-9a-f]{128}$", component.GetProperty("hashes")[0].GetProperty("content").GetString());
            Assert.True(references.Add(component.GetProperty("bom-ref").GetString()!), component.ToString());
        }
        Assert.All(root.GetProperty("dependencies")[0].GetProperty("dependsOn").EnumerateArray(), reference => Assert.Contains(reference.GetString()!, references));
    }

    static async Task<JsonDocument> Json(string file) => JsonDocument.Parse(await File.ReadAllBytesAsync(file, Stop));
}
