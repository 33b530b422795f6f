namespace XLive.EndToEnd.Harness;

/// <summary>Small C programs for faults and bad networks, which lie beside the checkout in ../shared and are built below artifacts/.</summary>
public static class SharedSource
{
    public static string Folder { get; } = Path.GetFullPath(Path.Combine(Repository.Root, "..", "shared"));

    public static async Task<string> Compile(string source, string program, params string[] options)
    {
        var from = Path.Combine(Folder, source);
        if (!File.Exists(from))
        {
            throw new FileNotFoundException($"This test needs {source} in ../shared beside the checkout.", from);
        }
        var built = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Artifacts, "shared")).FullName, program);
        if (!File.Exists(built) || File.GetLastWriteTimeUtc(built) < File.GetLastWriteTimeUtc(from))
        {
            (await Tool.Run("gcc", ["-std=gnu11", "-O2", "-o", $"{built}.new", from, .. options], TimeSpan.FromMinutes(1))).MustSucceed();
            File.Move($"{built}.new", built, overwrite: true);
        }
        return built;
    }
}
