namespace XLive.EndToEnd.Harness;

/// <summary>File systems of our own, in C beside the tests, compiled when they are wanted.</summary>
internal static class FuseProgram
{
    /// <summary>NAME/NAME.c, as a program.</summary>
    public static async Task<string> Compile(string name)
    {
        var source = Path.Combine(Repository.EndToEnd, name, name + ".c");
        var program = Path.Combine(Directory.CreateDirectory(Path.Combine(Repository.Artifacts, name)).FullName, name);
        if (!File.Exists(program) || File.GetLastWriteTimeUtc(program) < File.GetLastWriteTimeUtc(source))
        {
            var flags = (await Tool.Run("pkg-config", ["--cflags", "--libs", "fuse3"], TimeSpan.FromSeconds(10))).MustSucceed().Output;
            string[] options = ["-O2", "-o", $"{program}.new", source, .. flags.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];
            (await Tool.Run("gcc", options, TimeSpan.FromMinutes(1))).MustSucceed();
            File.Move($"{program}.new", program, overwrite: true);
        }
        return program;
    }

    public static bool IsMounted(string folder) => File.ReadLines("/proc/self/mounts").Any(line => line.Split(' ')[1] == folder);
}
