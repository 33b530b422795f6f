namespace XLive.Server;

public static class Program
{
    public static int Main(string[] args)
    {
        Console.WriteLine("XLive");
        return 0;
    }
}
