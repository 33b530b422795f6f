namespace XLive.EndToEnd.Harness;

/// <summary>Where things lie, found from where this assembly was built to.</summary>
public static class Repository
{
    public static string Root { get; } = FindRoot();
    public static string Artifacts => Path.Combine(Root, "artifacts");
    public static string Server => Path.Combine(Artifacts, "bin", "XLive.Server", "release", "xlive");
    public static string EndToEnd => Path.Combine(Root, "tests", "XLive.EndToEnd");

    static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "XLive.slnx")))
            {
                return folder.FullName;
            }
        }
        throw new DirectoryNotFoundException($"There is no XLive.slnx above {AppContext.BaseDirectory}.");
    }
}
