using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using XLive.Server.Storage;

namespace XLive.Server.Access;

/// <summary>Signing keys that the server or `key new` made: a file each in data/keys, read again when one is added or retired.</summary>
public sealed class SigningKeyFiles(KeyFiles files)
{
    private const string Prefix = "signing-", Suffix = ".json";

    public IReadOnlyList<StoredKey> All =>
        [.. files.Names(Prefix, Suffix).Select(files.Read).OfType<string>().Select(text => JsonSerializer.Deserialize(text, StoredKeyJson.Default.StoredKey)!)];

    public IEnumerable<SigningKey> Keys => All.Select(k => k.ToKey());

    /// <summary>The key with the empty id, made on the first start so that links can be signed at once.</summary>
    public void EnsureDefault()
    {
        if (files.Names(Prefix, Suffix).Count == 0)
            Add(new StoredKey("", KeyFiles.RandomText(), null, null));
    }

    /// <summary>False when the id is taken.</summary>
    public bool Add(StoredKey key) => files.Create(NameOf(key.Id), JsonSerializer.Serialize(key, StoredKeyJson.Default.StoredKey));

    public bool Remove(string id) => files.Delete(NameOf(id));

    // The id may hold any character; the file's name may not.
    private static string NameOf(string id) => Prefix + (id.Length == 0 ? "default" : "k." + Base64Url.EncodeToString(Encoding.UTF8.GetBytes(id))) + Suffix;
}

public sealed record StoredKey(string Id, string Secret, long? NotBefore, long? NotAfter)
{
    public SigningKey ToKey() => new(Id, Encoding.UTF8.GetBytes(Secret), NotBefore ?? long.MinValue, NotAfter ?? long.MaxValue);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredKey))]
internal sealed partial class StoredKeyJson : JsonSerializerContext;
