using XLive.Server.Storage;

namespace XLive.Server.Accounts;

/// <summary>What somebody may do. Admin may do everything, so that a new permission needs no new admin.</summary>
[Flags]
public enum Permission
{
    /// <summary>Signed in, whoever it is.</summary>
    None = 0,
    Publish = 1,
    Subscribe = 2,
    Monitor = 4,
    Admin = 8,
}

public static class Permissions
{
    public const Permission All = Permission.Publish | Permission.Subscribe | Permission.Monitor | Permission.Admin;

    private static readonly (Permission Permission, string Name)[] s_names =
        [(Permission.Publish, "publish"), (Permission.Subscribe, "subscribe"), (Permission.Monitor, "monitor"), (Permission.Admin, "admin")];

    public static bool Cover(this Permission has, Permission needed) => (has & Permission.Admin) != 0 || (has & needed) == needed;

    public static IEnumerable<string> Names(this Permission permissions) =>
        s_names.Where(n => (permissions & n.Permission) != 0).Select(n => n.Name);

    public static bool TryParse(string? name, out Permission permission)
    {
        permission = s_names.FirstOrDefault(n => n.Name == name).Permission;
        return permission != Permission.None;
    }
}

public sealed record User(string Name, Permission Permissions, bool HasPassword, bool Disabled, DateTimeOffset Created)
{
    public const int LongestName = 64;

    /// <summary>Which streams the permissions to publish and to subscribe are for.</summary>
    public StreamPatterns Streams { get; init; } = StreamPatterns.All;

    internal const string Columns = "name, permissions, password IS NOT NULL, disabled, created, streams";

    internal static User Read(SqlRow row) => new(row.Text(0), (Permission)row.Int64(1), row.Boolean(2), row.Boolean(3), row.Time(4))
    {
        Streams = StreamPatterns.Parse(row.Text(5)),
    };

    /// <summary>Names stand in URLs and logs, so they are plain.</summary>
    public static bool IsName(string? name) => name is { Length: > 0 and <= LongestName } && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '@');
}

/// <summary>By what somebody showed who he is.</summary>
public enum Proof
{
    /// <summary>An access token of a sign-in.</summary>
    SignIn,

    /// <summary>A token of auth.issuer.</summary>
    Issuer,

    /// <summary>An API token.</summary>
    ApiToken,

    /// <summary>A command beside the server.</summary>
    Command,

    /// <summary>An address of auth.open_to, with auth.enable: false.</summary>
    Address,
}

/// <summary>Who a request comes from; a feature of its HttpContext once the guard has let it in.</summary>
/// <param name="Name">For the audit log. Of a user his name; what is none has a space in it, so neither passes for the other.</param>
public sealed record SignedIn(string Name, Permission Permissions, string? SignInId, DateTimeOffset Until)
{
    public Proof By { get; init; }

    public StreamPatterns Streams { get; init; } = StreamPatterns.All;

    /// <summary>Who publishes by it, to know him again when he comes back.</summary>
    public string Holder { get; init; } = "user " + Name;

    public bool May(Permission needed) => Permissions.Cover(needed);
}
