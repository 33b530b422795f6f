namespace XLive.Server.Access;

/// <summary>What a signed URL came to. The order is the order of the checks: the first that fails is the answer.</summary>
public enum GrantReason : byte
{
    Granted,
    NoGrant,
    Malformed,
    WrongToken,
    KeyNotValidYet,
    KeyExpired,
    Expired,
    LifetimeTooLong,
    ScopeTooWide,
    OutsideScope,
}

public static class GrantReasons
{
    extension(GrantReason reason)
    {
        /// <summary>The word in the answer, the access log and the metrics.</summary>
        public string Word => reason switch
        {
            GrantReason.Granted => "granted",
            GrantReason.NoGrant => "no_grant",
            GrantReason.Malformed => "malformed",
            GrantReason.WrongToken => "wrong_token",
            GrantReason.KeyNotValidYet => "key_not_valid_yet",
            GrantReason.KeyExpired => "key_expired",
            GrantReason.Expired => "expired",
            GrantReason.LifetimeTooLong => "lifetime_too_long",
            GrantReason.ScopeTooWide => "scope_too_wide",
            GrantReason.OutsideScope => "outside_scope",
            _ => throw new ArgumentOutOfRangeException(nameof(reason)),
        };

        public int Status => reason switch
        {
            GrantReason.Granted => 200,
            GrantReason.Malformed => 400,
            GrantReason.NoGrant or GrantReason.WrongToken or GrantReason.KeyNotValidYet or GrantReason.KeyExpired => 401,
            GrantReason.Expired => 410,
            _ => 403,
        };
    }
}
