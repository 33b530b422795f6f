using System.Diagnostics;
using System.Text;
using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

public sealed class SettingsFuzzTests(ITestOutputHelper output) : IDisposable
{
    private const string Sample = """
        # a comment
        probe:
          text: "quoted \u00e9 text"   # why
          count: 7
          flag: on
          size: 64 MiB
          wait: 1.5h
          links: any
          list: [a, "b, c", 'd''e']
          array: &anchor
            - one
            - two
          map: {Host: example.com}
          lists: {bot: [/a/**, /b], none: []}
          keys:
            - {id: "", secret: long enough, not_before: 2027-01-31}
            - id: b
              secret: |
                block
                text
          deep: {er: {value: 4}}
        other:
          name: >-
            folded
        limits: {logins: {window: 1m, count: 3}}
        """;

    private static readonly string[] Tokens =
    [
        ":", "- ", "[", "]", "{", "}", "&a ", "*a", "*anchor", "!!str ", "!!map ", "? ", "|", ">", "\"", "'", "#", "%YAML 1.9\n", "---\n", "...\n", "\t",
        "\n", "\r", "\r\n", "~", "null", "\\U00110000", "\\x", "\0", "\uFEFF", "\u2028", "\ud800", "<<: ", "-1", "1e999", "NaN", "9999999999999999999999",
        "_file", "auto", "  ", ",", "@", "`", "😀", "probe:", "count: ", "keys: ", "secret_file: s",
    ];

    private readonly SettingsFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Whatever_the_file_holds_only_faults_come_out()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XLIVE_TEST_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine($"XLIVE_TEST_SEED={seed}");
        var random = new Random(seed);
        var begun = Stopwatch.StartNew();
        var path = Path.Combine(_folder.Path, "conf.yaml");
        int tried = 0, refused = 0;
        for (; tried < 20_000 && begun.ElapsedMilliseconds < 5_000; tried++)
        {
            var text = Mutated(random);
            File.WriteAllBytes(path, Encoding.UTF8.GetBytes(text));
            try
            {
                var settings = _folder.Load();
                // What was taken must also be showable.
                Assert.NotEmpty(settings.Describe());
            }
            catch (SettingsException e)
            {
                refused++;
                Assert.NotEmpty(e.Faults);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, input {tried}: {e}\n{text}");
            }
        }

        output.WriteLine($"{tried} inputs, {refused} refused");
        Assert.InRange(refused, 1, tried - 1);
    }

    [Fact]
    public void Whatever_a_variable_or_an_option_holds_only_faults_come_out()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("XLIVE_TEST_SEED"), out var given) ? given : Random.Shared.Next();
        output.WriteLine($"XLIVE_TEST_SEED={seed}");
        var random = new Random(seed);
        var names = SettingKeys.Of([typeof(ProbeOptions), typeof(OtherOptions)]).OptionNames.ToArray();
        var begun = Stopwatch.StartNew();
        for (var i = 0; i < 5_000 && begun.ElapsedMilliseconds < 2_000; i++)
        {
            var value = string.Concat(Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(3) > 0
                ? Tokens[random.Next(Tokens.Length)]
                : Sample.Substring(random.Next(Sample.Length - 10), random.Next(10))));
            var name = names[random.Next(names.Length)];
            _folder.Environment.Clear();
            _folder.Environment[SettingKey.VariableOf(name)] = value;
            try
            {
                _ = _folder.Load("--" + names[random.Next(names.Length)], value, value + name).Describe();
            }
            catch (SettingsException)
            {
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, {name}={value}: {e}");
            }
        }
    }

    private static string Mutated(Random random)
    {
        var text = new StringBuilder(Sample);
        for (var changes = random.Next(1, 6); changes > 0 && text.Length > 0; changes--)
        {
            var at = random.Next(text.Length);
            switch (random.Next(5))
            {
                case 0:
                    text.Remove(at, Math.Min(random.Next(1, 40), text.Length - at));
                    break;
                case 1:
                    text[at] = (char)random.Next(0x180);
                    break;
                case 2:
                    text.Insert(random.Next(text.Length), text.ToString(at, Math.Min(random.Next(1, 60), text.Length - at)));
                    break;
                case 3:
                    text.Length = at;
                    break;
                default:
                    text.Insert(at, Tokens[random.Next(Tokens.Length)]);
                    break;
            }
        }

        return text.ToString();
    }
}
