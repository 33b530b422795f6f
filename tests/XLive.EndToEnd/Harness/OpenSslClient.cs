namespace XLive.EndToEnd.Harness;

/// <summary>openssl s_client: what a library that is not .NET's sees of the server's TLS.</summary>
public static class OpenSslClient
{
    /// <param name="typed">What is typed, in printf's words; a wait of half a second follows each, for answers.</param>
    public static Task<ToolResult> Run(int port, string[] typed, params string[] options) =>
        Tool.Run("bash", ["-c", $"({string.Concat(typed.Select(t => $"printf '{t}'; sleep 0.5;"))}) | timeout 10 openssl s_client -connect 127.0.0.1:{port} -servername localhost \"$@\"", "-", .. options], TimeSpan.FromSeconds(20));

    /// <summary>As a shell's user runs it, for keys, requests and signatures.</summary>
    public static async Task Do(TempFolder folder, params string[] commands)
    {
        foreach (var command in commands)
            (await Tool.Run("bash", ["-c", command], TimeSpan.FromSeconds(20), folder.Path)).MustSucceed();
    }
}
