using System.Text;

namespace XLive.Server.Access;

/// <summary>
/// The fields of one signed URL, decoded and well formed but not yet believed. The spans lie in the scratch that the parser was
/// given: reading a grant costs no allocation, and it cannot outlive the request.
/// </summary>
public readonly ref struct SignedGrant
{
    /// <summary>1 to 128 bytes of UTF-8.</summary>
    public ReadOnlySpan<byte> Uid { get; init; }

    /// <summary>Unix seconds.</summary>
    public long Expires { get; init; }

    public ReadOnlySpan<byte> Kid { get; init; }

    /// <summary>The scope the URL states. Empty: none stated, so the directory of the path.</summary>
    public ReadOnlySpan<byte> Scope { get; init; }

    /// <summary>32 bytes.</summary>
    public ReadOnlySpan<byte> Token { get; init; }

    public string UidText => Encoding.UTF8.GetString(Uid);

    public string KidText => Encoding.UTF8.GetString(Kid);

    /// <summary>The scope that the token was made for, stated or derived.</summary>
    public string ScopeFor(ReadOnlySpan<char> path) =>
        Scope.IsEmpty ? Access.Scope.Derived(path).ToString() : Encoding.UTF8.GetString(Scope);
}
