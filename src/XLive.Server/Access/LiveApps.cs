using System.Text;

namespace XLive.Server.Access;

/// <summary>The first segments of live streams. A handful, so a scan is the fastest look-up.</summary>
public sealed class LiveApps
{
    public static readonly LiveApps None = new([]);

    private readonly byte[][] _names;

    public LiveApps(IEnumerable<string> names) => _names = [.. names.Select(Encoding.UTF8.GetBytes)];

    /// <summary>"/{app}/".</summary>
    public bool IsApp(ReadOnlySpan<byte> scope) => scope.Length > 2 && scope[0] == '/' && scope[^1] == '/' && Has(scope[1..^1]);

    /// <summary>"/{app}/{stream}".</summary>
    public bool IsStream(ReadOnlySpan<byte> scope)
    {
        int slash = scope.LastIndexOf((byte)'/');
        return slash > 1 && slash < scope.Length - 1 && Has(scope[1..slash]);
    }

    /// <summary>The stream, "/{app}/{stream}", whose page a path is: "/watch/{app}/{stream}". Nothing where it is no page.</summary>
    public ReadOnlySpan<char> ShownAt(ReadOnlySpan<char> path)
    {
        const string Pages = "/watch";
        if (!path.StartsWith(Pages, StringComparison.Ordinal))
            return default;
        ReadOnlySpan<char> shown = path[Pages.Length..];
        int slash = shown.LastIndexOf('/');
        return slash > 1 && slash < shown.Length - 1 && shown[0] == '/' && Has(shown[1..slash]) ? shown : default;
    }

    /// <summary>"/{app}/{stream}" of any path that is a form of it, else null.</summary>
    public string? StreamOf(string path)
    {
        int slash = path.Length > 1 ? path.IndexOf('/', 1) : -1;
        if (slash < 0 || slash == path.Length - 1 || !Has(Encoding.UTF8.GetBytes(path[1..slash])))
            return null;
        int end = path.IndexOf('/', slash + 1);
        if (end >= 0)
            return path[..end];
        foreach (string form in (ReadOnlySpan<string>)[".m3u8", ".flv"])
        {
            if (path.EndsWith(form, StringComparison.Ordinal) && path.Length - form.Length > slash + 1)
                return path[..^form.Length];
        }
        return path;
    }

    /// <summary>A path of a live stream, or of something below it.</summary>
    public bool Holds(ReadOnlySpan<char> path)
    {
        var rest = path[1..];
        var slash = rest.IndexOf('/');
        return slash >= 0 && Has(rest[..slash]);
    }

    private bool Has(ReadOnlySpan<char> app)
    {
        foreach (byte[] name in _names)
        {
            if (Ascii.Equals(name, app))
                return true;
        }
        return false;
    }

    private bool Has(ReadOnlySpan<byte> app)
    {
        foreach (byte[] name in _names)
        {
            if (app.SequenceEqual(name))
                return true;
        }
        return false;
    }
}
