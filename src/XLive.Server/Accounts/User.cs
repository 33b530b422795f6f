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

    /// <summary>Names stand in URLs and logs, so they are plain.</summary>
    public static bool IsName(string? name) => name is { Length: > 0 and <= LongestName } && char.IsAsciiLetterOrDigit(name[0])
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '@');
}

/// <summary>Who a request comes from; a feature of its HttpContext once the guard has let it in.</summary>
public sealed record SignedIn(string Name, Permission Permissions, string? SignInId, DateTimeOffset Until)
{
    public bool May(Permission needed) => Permissions.Cover(needed);
}
