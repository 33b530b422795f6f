using XLive.Fuzz.Engine;

namespace XLive.Fuzz;

/// <summary>The full-size runs: `./bench fuzz` and `./bench forgery`. Tables to standard output, what it is at to standard error.</summary>
public static class Program
{
    public static int Main(string[] args) => args switch
    {
        ["fuzz", .. var rest] => FuzzCommand.Run(rest),
        _ => Usage(),
    };

    private static int Usage()
    {
        Console.Error.WriteLine("usage: XLive.Fuzz fuzz [--count N] [--only NAME] [--seed N] [--from N] [--threads N]");
        return 2;
    }
}
