using System.Text.Json;
using Microsoft.AspNetCore.Http;
using XLive.Fuzz.Engine;
using XLive.Server.Accounts;
using XLive.Server.Door;

namespace XLive.Fuzz.Inputs;

/// <summary>The body of a sign-in: an object or a refusal that names a field and never repeats what was sent.</summary>
public sealed class BodyFuzzer : Fuzzer<HttpContext>
{
    private const int Longest = 16 << 10;
    private const string Secret = "hush-hush-hush";

    private LoginRequest? _asked;
    private ProblemException? _refused;

    public override string Name => "bodies";

    public override string Target => "`RequestJson`";

    // JsonException repeats the word that it could not read, and a message grows by copies; a body has 16 KiB at most.
    protected override int AllocationTimes => 12;

    protected override string[] Tokens { get; } =
    [
        "{", "}", "[", "]", ":", ",", "\"", "null", "true", "1e999", "-0", "\\u0000", "\\ud800", "\\", "\"username\":", "\"password\":", "\"Password\":", "\"once\":", "\"a\":{\"a\":[[[[", "\u00ef\u00bb\u00bf",
        "//", "/*", "NaN", " ", "\n", "\u00ff", "\0", "\u00ed\u00a0\u0080", "{}", "\"\":1,", "\"username\":\"b\",",
    ];

    protected override string Generate(Dice dice) => dice.Below(4) switch
    {
        0 => $$"""{"once":"{{Secret}}"}""",
        1 => $$"""{"username":"J\u00fcrgen","password":"{{Secret}}","more":[1,{"a":null}]}""",
        2 => "{" + string.Concat(Enumerable.Range(0, dice.Below(200)).Select(i => $"\"f{i}\":{dice.Number()},")) + "\"username\":\"a\"}",
        _ => $$"""{"username":"admin","password":"{{Secret}}"}""",
    };

    protected override HttpContext Read(string input)
    {
        var http = new DefaultHttpContext();
        http.Request.Body = new MemoryStream(Bytes(input), writable: false);
        http.Request.ContentLength = input.Length % 2 == 0 ? input.Length : null;
        return http;
    }

    protected override bool Parse(HttpContext input)
    {
        input.Request.Body.Position = 0;
        (_asked, _refused) = (null, null);
        try
        {
            var reading = RequestJson.ReadAsync(input, AccountsJson.Default.LoginRequest, Longest);
            // All of it is there, so nothing is waited for.
            _asked = reading.IsCompleted ? reading.Result : throw new FuzzFailure("waited");
            return true;
        }
        catch (ProblemException refused)
        {
            _refused = refused;
            return false;
        }
    }

    protected override void Verify(HttpContext input, bool accepted)
    {
        var body = ((MemoryStream)input.Request.Body).ToArray();
        if (!accepted)
        {
            FuzzFailure.Equal(body.Length > Longest ? 413 : 400, _refused!.Status, "status");
            FuzzFailure.Unless(!_refused.Message.Contains("hush-hush", StringComparison.Ordinal) && _refused.Message.Length < 200 && !_refused.Message.Any(char.IsControl), "fit to be shown: " + _refused.Message);
            return;
        }
        FuzzFailure.Unless(body.Length <= Longest, "read beyond its bound");
        using var document = JsonDocument.Parse(body);
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("username", _asked!.Username), ("password", _asked.Password), ("once", _asked.Once)])
        {
            var given = document.RootElement.EnumerateObject().Where(p => p.NameEquals(name)).ToArray();
            FuzzFailure.Unless(given.Length <= 1, "given twice: " + name);
            FuzzFailure.Equal(given.Length == 0 ? null : given[0].Value.GetString(), value, name);
        }
    }
}
