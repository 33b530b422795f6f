using XLive.Fuzz.Engine;

namespace XLive.Fuzz;

/// <summary>The full-size runs: `./bench fuzz`, `forgery`, `model` and `traffic`. Tables to standard output, what it is at to standard error.</summary>
public static class Program
{
    public static int Main(string[] args) => args switch
    {
        ["fuzz", .. var rest] => FuzzCommand.Run(rest),
        ["forgery", .. var rest] => ForgeryCommand.Run(rest),
        ["model", .. var rest] => ModelCommand.Run(rest),
        ["traffic", .. var rest] => TrafficCommand.Run(rest),
        _ => Usage(),
    };

    private static int Usage()
    {
        Console.Error.WriteLine("usage: XLive.Fuzz fuzz|forgery|model|traffic [--name value]");
        return 2;
    }
}
