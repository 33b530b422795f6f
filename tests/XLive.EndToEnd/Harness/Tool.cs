using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace XLive.EndToEnd.Harness;

/// <summary>What a program of somebody else's left behind: ffmpeg, gst-launch, node, gcc ...</summary>
public sealed record ToolResult(string Command, int ExitCode, bool TimedOut, string Output, string Errors)
{
    public ToolResult MustSucceed() => ExitCode == 0 && !TimedOut ? this : throw new InvalidOperationException(ToString());

    public override string ToString() =>
        $"{Command}\n{(TimedOut ? "did not end in time" : $"ended with {ExitCode}")}\n{Errors}\n{Output}";
}

public static partial class Tool
{
    /// <summary>Runs a program to its end. One that takes longer is asked to go, then killed with all it has started.</summary>
    public static async Task<ToolResult> Run(string program, IEnumerable<string> arguments, TimeSpan limit, string? folder = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? Path.GetTempPath(),
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = new StringBuilder();
        var errors = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var timedOut = !await Ends(process, limit);
        if (timedOut)
        {
            await Stop(process, TimeSpan.FromSeconds(5));
        }
        return new($"{program} {string.Join(' ', start.ArgumentList)}", process.ExitCode, timedOut, Text(output), Text(errors));
    }

    /// <summary>SIGTERM, and after <paramref name="grace"/> SIGKILL for it and its children. False if it had to be killed.</summary>
    public static async Task<bool> Stop(Process process, TimeSpan grace)
    {
        if (process.HasExited)
        {
            return true;
        }
        Signal(process, SigTerm);
        if (await Ends(process, grace))
        {
            return true;
        }
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        return false;
    }

    public const int SigKill = 9, SigTerm = 15;

    public static void Signal(Process process, int signal)
    {
        // Nobody to signal is no fault here: it has ended by itself.
        _ = Kill(process.Id, signal);
    }

    public static async Task<bool> Ends(Process process, TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await process.WaitForExitAsync(timeout.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            lock (text)
            {
                text.AppendLine(line);
            }
        }
    }

    static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int process, int signal);
}
