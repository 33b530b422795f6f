using XLive.Server.Storage;

namespace XLive.Server.Accounts;

public enum UserChange
{
    Done,

    /// <summary>There is no such user.</summary>
    Unknown,

    NameTaken,

    TooMany,

    /// <summary>It is another one than the caller has seen.</summary>
    Stale,

    /// <summary>Nobody would be left who may do it again.</summary>
    LastAdmin,

    /// <summary>The user that each start makes if there is none.</summary>
    BuiltIn,
}

/// <summary>What is to be another; null stays.</summary>
public sealed record UserEdit(Permission? Permissions = null, StreamPatterns? Streams = null, bool? Disabled = null);

/// <summary>The people (and their passwords) in the database. Everything here blocks or hashes, and does so off the caller's thread.</summary>
public sealed class Users(Database db, KnownAccounts known, Passwords passwords, OneTimeLinks links, TimeProvider clock)
{
    public const string Admin = "admin";

    /// <summary>All are read at each change, and held in memory.</summary>
    public const int Most = 10_000;

    private volatile string? _adminPassword; // while it is not in force yet
    private Task _ready = Task.CompletedTask;
    private readonly Lock _making = new();

    public User? Find(string name) => known.Find(name);

    public IReadOnlyList<User> All => [.. known.All.OrderBy(u => u.Name, StringComparer.Ordinal)];

    /// <summary>Makes the admin on the first start: true, and whoever starts the server shows <see cref="MakeLink"/>.</summary>
    public bool MakeAdmin()
    {
        known.Reload();
        // Asked first: a start that has nothing to write needs no database that can be written.
        bool made = known.Find(Admin) is null && Insert(Admin, Permissions.All, null, StreamPatterns.All, disabled: false);
        if (made)
        {
            known.Reload();
        }
        return made;
    }

    /// <summary>
    /// auth.admin_password: in force before the first sign-in is checked, without holding up the start. Signs out whoever came with
    /// another one.
    /// </summary>
    public void SetAdminPassword(string password)
    {
        _adminPassword = password;
        _ = Ready();
    }

    public async Task<UserChange> AddAsync(
        string name, Permission permissions, string? password = null, StreamPatterns? streams = null, bool disabled = false)
    {
        if (!User.IsName(name))
        {
            throw new ArgumentException("a user's name is up to 64 letters, digits and . _ - @", nameof(name));
        }
        string? hash = password is null ? null : await passwords.HashAsync(password);
        return await Changed(() => db.First("SELECT COUNT(*) FROM users", static row => row.Int64(0)) >= Most ? UserChange.TooMany
            : Insert(name, permissions, hash, streams ?? StreamPatterns.All, disabled) ? UserChange.Done
            : UserChange.NameTaken);
    }

    /// <param name="isSeen">Whether it is still the one that the caller has in mind.</param>
    public Task<UserChange> ChangeAsync(string name, UserEdit edit, Func<User, bool>? isSeen = null) => Changed(() =>
    {
        if (Load(name) is not { } user)
        {
            return UserChange.Unknown;
        }
        if (isSeen?.Invoke(user) == false)
        {
            return UserChange.Stale;
        }
        User after = user with
        {
            Permissions = edit.Permissions ?? user.Permissions, Streams = edit.Streams ?? user.Streams, Disabled = edit.Disabled ?? user.Disabled,
        };
        if (IsAdmin(user) && !IsAdmin(after) && !HasOtherAdmin(name))
        {
            return UserChange.LastAdmin;
        }
        if (after.Disabled)
        {
            EndSignIns(name, null);
        }
        db.Execute("UPDATE users SET permissions = $2, streams = $3, disabled = $4 WHERE name = $1",
            name, (long)after.Permissions, after.Streams.ToString(), after.Disabled);
        return UserChange.Done;
    });

    public Task<UserChange> RemoveAsync(string name, Func<User, bool>? isSeen = null) => Changed(() =>
    {
        if (Load(name) is not { } user)
        {
            return UserChange.Unknown;
        }
        if (isSeen?.Invoke(user) == false)
        {
            return UserChange.Stale;
        }
        if (IsAdmin(user) && !HasOtherAdmin(name))
        {
            return UserChange.LastAdmin;
        }
        if (name == Admin)
        {
            return UserChange.BuiltIn;
        }
        EndSignIns(name, null); // a user made anew with that name is somebody else
        db.Execute("DELETE FROM users WHERE name = $1", name);
        return UserChange.Done;
    });

    public Task<UserChange> SetPermissionsAsync(string name, Permission permissions) => ChangeAsync(name, new UserEdit(Permissions: permissions));

    public Task<UserChange> SetDisabledAsync(string name, bool disabled) => ChangeAsync(name, new UserEdit(Disabled: disabled));

    /// <summary>Ends all sign-ins of the user but one, and voids links.</summary>
    public async Task<bool> SetPasswordAsync(string name, string password, string? exceptSignIn = null)
    {
        if (password.Length is < Passwords.Shortest or > Passwords.Longest)
        {
            throw new ArgumentException($"a password has {Passwords.Shortest} to {Passwords.Longest} characters", nameof(password));
        }
        return await Set(name, await passwords.HashAsync(password), exceptSignIn);
    }

    /// <summary>The user when the password is right; null for a wrong one, an unknown name and a disabled user, all as slow.</summary>
    public async Task<User?> CheckAsync(string name, string password)
    {
        await Ready();
        string? hash = await HashOf(name);
        if (!await passwords.IsRightAsync(password, hash))
        {
            return null;
        }
        if (passwords.IsWeak(hash!))
        {
            string stronger = await passwords.HashAsync(password);
            await Changed(() => db.Execute("UPDATE users SET password = $2 WHERE name = $1 AND password = $3", name, stronger, hash) > 0);
        }
        return await LoadAsync(name);
    }

    /// <summary>A user as the database has it now, for who comes in by a credential that the database has just confirmed.</summary>
    public Task<User?> LoadAsync(string name) => db.RunAsync(d =>
    {
        known.Reload();
        return known.Find(name) is { Disabled: false } user ? user : null;
    });

    /// <summary>"/monitor#once=...": a fragment, which no server and no log sees. Good once, for 30 minutes.</summary>
    public string MakeLink(string name) => links.Make(name);

    /// <summary>Null: there is no such user, or a disabled one.</summary>
    public Task<string?> MakeLinkAsync(string name) => db.RunAsync(_ =>
    {
        try
        {
            return links.Make(name);
        }
        catch (ArgumentException)
        {
            return null;
        }
    });

    /// <summary>Done once; what failed, for want of the database, is begun anew by the next who asks.</summary>
    private Task Ready()
    {
        lock (_making)
        {
            if (_adminPassword is { } password && _ready.IsCompleted)
            {
                _ready = Task.Run(() => ForceAdminPassword(password));
            }
            return _ready;
        }
    }

    private async Task ForceAdminPassword(string password)
    {
        string? hash = await HashOf(Admin);
        if (hash is null || !await passwords.IsRightAsync(password, hash) || passwords.IsWeak(hash))
        {
            await Set(Admin, await passwords.HashAsync(password), exceptSignIn: null);
        }
        _adminPassword = null;
    }

    private Task<string?> HashOf(string name) => db.RunAsync(d =>
        d.First("SELECT password FROM users WHERE name = $1 AND disabled = 0", static row => row.TextOrNull(0), name));

    private Task<bool> Set(string name, string hash, string? exceptSignIn) => Changed(() =>
    {
        if (db.Execute("UPDATE users SET password = $2 WHERE name = $1", name, hash) == 0)
        {
            return false;
        }
        links.Void(name);
        EndSignIns(name, exceptSignIn);
        return true;
    });

    private bool Insert(string name, Permission permissions, string? hash, StreamPatterns streams, bool disabled) => db.Execute(
        "INSERT INTO users (name, permissions, password, created, streams, disabled) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        name, (long)permissions, hash, clock.GetUtcNow(), streams.ToString(), disabled) > 0;

    private User? Load(string name) => db.First($"SELECT {User.Columns} FROM users WHERE name = $1", User.Read, name);

    private static bool IsAdmin(User user) => !user.Disabled && (user.Permissions & Permission.Admin) != 0;

    private bool HasOtherAdmin(string name) => db.First("SELECT COUNT(*) FROM users WHERE name <> $1 AND disabled = 0 AND (permissions & $2) <> 0",
        static row => row.Int64(0), name, (long)Permission.Admin) > 0;

    private void EndSignIns(string name, string? except) => db.Execute(
        "UPDATE sign_ins SET ended = $2 WHERE user_name = $1 AND ended IS NULL AND id <> $3", name, clock.GetUtcNow(), except ?? "");

    private Task<T> Changed<T>(Func<T> change) => db.RunAsync(d =>
    {
        T done = d.Transaction(change);
        known.Reload();
        return done;
    });
}
