using System.Diagnostics;
using XLive.Server.Tests.Delivery;

namespace XLive.Server.Tests;

/// <summary>A program beside a test whose words nobody reads.</summary>
internal static class QuietProcess
{
    /// <param name="said">Is told each line of its errors.</param>
    public static Process Start(string program, IEnumerable<string> arguments, Action<string?>? said = null)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) => said?.Invoke(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>
    /// Ends it and waits. Without a time WaitForExit also waits until its pipes are read to their end, which is the work of the thread that moves
    /// all sockets and pipes of this process: a test that was continued on that thread would wait for itself, and every other test with it.
    /// </summary>
    public static void End(Process process)
    {
        process.Kill(entireProcessTree: true);
        Assert.True(process.WaitForExit(Until.Patience), process.StartInfo.FileName + " has not ended");
    }
}
