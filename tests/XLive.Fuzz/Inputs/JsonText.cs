using System.Globalization;
using System.Text.Json;
using XLive.Fuzz.Engine;

namespace XLive.Fuzz.Inputs;

/// <summary>JSON read once more: objects, lists, strings and numbers; null for all else, and for a string that is no text.</summary>
internal static class JsonText
{
    public static Dictionary<string, object?> Members(byte[] json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        FuzzFailure.Equal(JsonTokenType.StartObject, reader.TokenType, "JSON");
        return (Dictionary<string, object?>)Value(ref reader)!;
    }

    private static object? Value(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var members = new Dictionary<string, object?>();
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    // A name need be no text where nobody reads it.
                    var name = reader.ValueIsEscaped ? reader.GetString()! : Fuzzer.Latin(reader.ValueSpan);
                    reader.Read();
                    FuzzFailure.Unless(members.TryAdd(name, Value(ref reader)), "given twice: " + name);
                }
                return members;
            case JsonTokenType.StartArray:
                var list = new List<object?>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    list.Add(Value(ref reader));
                return list;
            case JsonTokenType.Number:
                return double.Parse(Fuzzer.Latin(reader.ValueSpan), CultureInfo.InvariantCulture);
            case JsonTokenType.String:
                try
                {
                    return reader.GetString();
                }
                catch (InvalidOperationException)
                {
                    return null; // half a surrogate, or no UTF-8
                }
            default:
                return null;
        }
    }
}
