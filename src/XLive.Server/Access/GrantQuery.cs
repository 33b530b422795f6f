namespace XLive.Server.Access;

/// <summary>The grant in a query: uid, expires, token and, if need be, kid and scope. Every other parameter is somebody else's.</summary>
public static class GrantQuery
{
    /// <param name="query">As it came over the wire, with or without the question mark.</param>
    /// <param name="scratch">At least as long as the query; the grant's fields will lie in it.</param>
    /// <returns>Granted when there is a grant of the right form, which is not yet a right one; NoGrant or Malformed otherwise.</returns>
    public static GrantReason Parse(ReadOnlySpan<char> query, Span<byte> scratch, out SignedGrant grant)
    {
        grant = default;
        Fields fields = Find(query);
        if (!fields.Has(Field.Token))
            return GrantReason.NoGrant;
        if (fields.Repeated || !fields.Has(Field.Uid) || !fields.Has(Field.Expires))
            return GrantReason.Malformed;

        if (!Take(fields.Uid, ref scratch, out ReadOnlySpan<byte> uid) || !GrantText.IsUid(uid)
            || !Take(fields.Expires, ref scratch, out ReadOnlySpan<byte> digits) || !GrantText.TryExpires(digits, out long expires)
            || !Take(fields.Kid, ref scratch, out ReadOnlySpan<byte> kid) || !GrantText.IsClean(kid)
            || !Take(fields.Scope, ref scratch, out ReadOnlySpan<byte> scope)
            || (fields.Has(Field.Scope) && !Scope.IsWellFormed(scope))
            || !TakeToken(fields.Token, ref scratch, out ReadOnlySpan<byte> token))
            return GrantReason.Malformed;

        grant = new SignedGrant { Uid = uid, Expires = expires, Kid = kid, Scope = scope, Token = token };
        return GrantReason.Granted;
    }

    /// <summary>The uid alone, for servers that take it as given. Empty where it is missing, repeated or not of the form.</summary>
    public static ReadOnlySpan<byte> UidOf(ReadOnlySpan<char> query, Span<byte> scratch)
    {
        Fields fields = Find(query);
        if (!fields.Has(Field.Uid) || fields.IsRepeated(Field.Uid))
            return default;
        return Take(fields.Uid, ref scratch, out ReadOnlySpan<byte> uid) && GrantText.IsUid(uid) ? uid : default;
    }

    private static bool Take(scoped ReadOnlySpan<char> raw, scoped ref Span<byte> scratch, out ReadOnlySpan<byte> value)
    {
        if (!GrantText.TryUnescape(raw, scratch, out value))
            return false;
        scratch = scratch[value.Length..];
        return true;
    }

    private static bool TakeToken(scoped ReadOnlySpan<char> raw, scoped ref Span<byte> scratch, out ReadOnlySpan<byte> token)
    {
        if (!raw.Contains('%'))
            return GrantText.TryToken(raw, scratch, out token);
        token = default;
        Span<char> plain = stackalloc char[GrantText.TokenChars];
        if (!GrantText.TryUnescape(raw, scratch, out ReadOnlySpan<byte> ascii) || ascii.Length != plain.Length)
            return false;
        for (int i = 0; i < plain.Length; i++)
            plain[i] = (char)ascii[i];
        return GrantText.TryToken(plain, scratch, out token);
    }

    private enum Field : byte { Uid = 1, Expires = 2, Token = 4, Kid = 8, Scope = 16 }

    private ref struct Fields
    {
        public ReadOnlySpan<char> Uid, Expires, Token, Kid, Scope;
        private Field _seen, _repeated;

        public readonly bool Repeated => _repeated != 0;

        public readonly bool Has(Field field) => (_seen & field) != 0;

        public readonly bool IsRepeated(Field field) => (_repeated & field) != 0;

        public void Set(Field field, ReadOnlySpan<char> value)
        {
            _repeated |= _seen & field;
            _seen |= field;
            switch (field)
            {
                case Field.Uid: Uid = value; break;
                case Field.Expires: Expires = value; break;
                case Field.Token: Token = value; break;
                case Field.Kid: Kid = value; break;
                case Field.Scope: Scope = value; break;
            }
        }
    }

    private static Fields Find(ReadOnlySpan<char> query)
    {
        var fields = new Fields();
        if (query.StartsWith('?'))
            query = query[1..];
        while (!query.IsEmpty)
        {
            int end = query.IndexOf('&');
            ReadOnlySpan<char> pair = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];
            int equals = pair.IndexOf('=');
            Field field = Name(equals < 0 ? pair : pair[..equals]);
            if (field != 0)
                fields.Set(field, equals < 0 ? default : pair[(equals + 1)..]);
        }
        return fields;
    }

    /// <summary>
    /// An escaped name is the same name: other readers of the query decode it, and a parameter that only they see repeated would
    /// be a hole.
    /// </summary>
    private static Field Name(ReadOnlySpan<char> raw)
    {
        if (!raw.Contains('%'))
        {
            return raw switch
            {
                "uid" => Field.Uid,
                "expires" => Field.Expires,
                "token" => Field.Token,
                "kid" => Field.Kid,
                "scope" => Field.Scope,
                _ => 0,
            };
        }

        const int LongestName = 7;
        Span<byte> scratch = stackalloc byte[LongestName * 3];
        if (raw.Length > scratch.Length || !GrantText.TryUnescape(raw, scratch, out ReadOnlySpan<byte> name))
            return 0;
        return name.SequenceEqual("uid"u8) ? Field.Uid
            : name.SequenceEqual("expires"u8) ? Field.Expires
            : name.SequenceEqual("token"u8) ? Field.Token
            : name.SequenceEqual("kid"u8) ? Field.Kid
            : name.SequenceEqual("scope"u8) ? Field.Scope
            : 0;
    }
}
