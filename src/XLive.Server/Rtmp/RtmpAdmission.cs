namespace XLive.Server.Rtmp;

/// <summary>The answer to who wants to publish or to play: a role, or a refusal in RTMP's words.</summary>
internal readonly struct RtmpAdmission<TRole> where TRole : class
{
    private RtmpAdmission(TRole? role, string code, string description, RtmpRefusal? refusal = null) =>
        (Role, Code, Description, Refusal) = (role, code, description, refusal);

    /// <summary>Null: refused.</summary>
    public TRole? Role { get; }

    /// <summary>NetStream.Publish.BadName and the like.</summary>
    public string Code { get; }

    /// <summary>What the encoder shows its user.</summary>
    public string Description { get; }

    /// <summary>What the audit log is told; null: the code.</summary>
    public RtmpRefusal? Refusal { get; }

    public static RtmpAdmission<TRole> Granted(TRole role) => new(role, "", "");

    public static RtmpAdmission<TRole> Refused(string code, string description, RtmpRefusal? refusal = null) => new(null, code, description, refusal);
}

/// <param name="Reason">A gate's word.</param>
/// <param name="Kid">The key that the grant names.</param>
/// <param name="Target">What was asked for, with its query.</param>
internal sealed record RtmpRefusal(string Reason, string Kid, string Target);
