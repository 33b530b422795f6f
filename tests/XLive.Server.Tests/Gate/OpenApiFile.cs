using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace XLive.Server.Tests.Gate;

/// <summary>src/XLive.Server/Operations/Api/openapi.json, and whether an answer is as it says.</summary>
internal sealed class OpenApiFile
{
    private static readonly JsonSerializerOptions s_written = new() { WriteIndented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private OpenApiFile(byte[] bytes) => (Bytes, Json) = (bytes, JsonNode.Parse(bytes)!.AsObject());

    public byte[] Bytes { get; }

    public JsonObject Json { get; }

    public JsonObject Paths => Json["paths"]!.AsObject();

    public IEnumerable<(string Method, string Path, JsonObject Operation)> Operations =>
        from path in Paths
        from operation in path.Value!.AsObject()
        select (operation.Key, path.Key, operation.Value!.AsObject());

    private static string Place => Path.GetFullPath("../../../src/XLive.Server/Operations/Api/openapi.json", Path.GetDirectoryName(Here())!);

    public static OpenApiFile Read() => new(File.ReadAllBytes(Place));

    public void Write()
    {
        Json["paths"] = new JsonObject(Paths.OrderBy(static p => p.Key, StringComparer.Ordinal).Select(static p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
        File.WriteAllText(Place, Json.ToJsonString(s_written) + "\n");
    }

    public JsonNode Resolve(JsonNode node)
    {
        while (node is JsonObject json && json["$ref"] is { } reference)
        {
            JsonNode? at = Json;
            foreach (var part in reference.GetValue<string>().Split('/')[1..])
                at = at?[part];
            Assert.True(at is not null, $"{reference} leads nowhere");
            node = at;
        }
        return node;
    }

    /// <summary>What the answer is that is not written, or what is written that it is not. Null: they agree.</summary>
    public string? Fault(string method, string path, Reply reply)
    {
        if (Paths[path]?[method] is not JsonObject operation)
            return $"{method} {path} is not in the file";
        var where = $"{method} {path} {reply.Status}";
        if (operation["responses"]![reply.Status.ToString(System.Globalization.CultureInfo.InvariantCulture)] is not { } named)
            return where + " is not in the file";
        if (Resolve(named)["content"] is not JsonObject content)
            return reply.Body.Length == 0 ? null : where + " has a body";
        var type = reply["Content-Type"]!.Split(';')[0];
        if (content[type]?["schema"] is not { } schema)
            return $"{where} is {type}";
        return type.EndsWith("json", StringComparison.Ordinal) ? Fault(schema, JsonDocument.Parse(reply.Body).RootElement, where) : null;
    }

    /// <summary>Of an answer 200 that was read already.</summary>
    public string? Fault(string method, string path, JsonElement answer) =>
        Fault(Paths[path]![method]!["responses"]!["200"]!["content"]!["application/json"]!["schema"]!, answer, $"{method} {path}");

    private string? Fault(JsonNode named, JsonElement value, string where)
    {
        var schema = Resolve(named).AsObject();
        if (schema["oneOf"] is JsonArray choices)
            return choices.Any(c => Fault(c!, value, where) is null) ? null : $"{where} is none of what it may be: {Faults(choices, value, where)}";
        if (schema["type"] is { } types && !(types is JsonArray several ? several.Any(t => Is(t!.GetValue<string>(), value)) : Is(types.GetValue<string>(), value)))
            return $"{where} is {value.ValueKind} and not {types.ToJsonString()}";
        if (schema["enum"] is JsonArray words && !words.Any(w => w!.GetValue<string>() == value.GetString()))
            return $"{where} is {value} and not of {words.ToJsonString()}";
        return value.ValueKind switch
        {
            JsonValueKind.Object => FieldFault(schema, value, where),
            JsonValueKind.Array => value.EnumerateArray().Select((v, i) => schema["items"] is { } items ? Fault(items, v, $"{where}[{i}]") : null).FirstOrDefault(static f => f is not null),
            _ => null,
        };
    }

    private string? FieldFault(JsonObject schema, JsonElement value, string where)
    {
        foreach (var required in schema["required"]?.AsArray() ?? new JsonArray())
        {
            if (!value.TryGetProperty(required!.GetValue<string>(), out _))
                return $"{where} lacks {required}";
        }
        foreach (var field in value.EnumerateObject())
        {
            var place = $"{where}.{field.Name}";
            var of = schema["properties"]?[field.Name] ?? schema["additionalProperties"];
            if (of is JsonValue allowed && !allowed.GetValue<bool>())
                return place + " is not in the file";
            if (of is JsonObject && Fault(of, field.Value, place) is { } fault)
                return fault;
        }
        return null;
    }

    private string Faults(JsonArray choices, JsonElement value, string where) => string.Join("; ", choices.Select(c => Fault(c!, value, where)));

    private static bool Is(string type, JsonElement value) => type switch
    {
        "object" => value.ValueKind == JsonValueKind.Object,
        "array" => value.ValueKind == JsonValueKind.Array,
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind == JsonValueKind.Null,
        "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
        _ => value.ValueKind == JsonValueKind.Number,
    };

    private static string Here([CallerFilePath] string path = "") => path;
}
