using XLive.Server.Settings;

namespace XLive.Server.Tests.Settings;

/// <summary>A folder of its own with a configuration, and loading from it without a process.</summary>
internal sealed class SettingsFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("xlive-settings-").FullName;

    public Dictionary<string, string> Environment { get; } = [];

    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        return path;
    }

    public SettingsInput Input(params string[] args) => new()
    {
        Args = args,
        Environment = Environment,
        WorkingDirectory = Path,
        SystemFile = System.IO.Path.Combine(Path, "etc/xlive/conf.yaml"),
    };

    public ServerSettings Load(params string[] args) => ServerSettings.Load(Input(args), typeof(ProbeOptions), typeof(OtherOptions));

    public T Of<T>(params string[] args) where T : class => Load(args).Of<T>();

    public string[] Faults(params string[] args)
    {
        try
        {
            Load(args);
        }
        catch (SettingsException e)
        {
            Assert.All(e.Faults, f => Assert.DoesNotContain('\n', f.ToString()));
            return [.. e.Faults.Select(f => f.ToString())];
        }

        return [];
    }

    public string[] FaultsOf(string yaml)
    {
        Write("conf.yaml", yaml);
        return Faults();
    }

    public void Dispose() => Directory.Delete(Path, true);
}

/// <summary>One property of every kind; server.port also stands in PlannedKeys, where it gives way as long as it does.</summary>
public sealed class ProbeOptions : ICheckedOptions
{
    public enum Links { Inside, Any, LeastPending }

    [Setting("probe.text", "text")]
    public string Text { get; set; } = "plain";

    [Setting("probe.maybe", "text or nothing")]
    public string? Maybe { get; set; }

    [Setting("probe.flag", "a flag")]
    public bool Flag { get; set; }

    [Setting("probe.count", "a number", Least = "1", Most = "100")]
    public int Count { get; set; } = 5;

    [Setting("probe.auto", "a number or auto")]
    public int? Auto { get; set; }

    [Setting("probe.size", "bytes", Unit = SettingUnit.Bytes)]
    public long Size { get; set; } = 1 << 20;

    [Setting("probe.whole", "a long")]
    public long Whole { get; set; }

    [Setting("probe.ratio", "a double")]
    public double Ratio { get; set; } = 0.5;

    [Setting("probe.wait", "a duration", Unit = SettingUnit.Duration)]
    public TimeSpan Wait { get; set; } = TimeSpan.FromSeconds(30);

    [Setting("probe.links", "a choice")]
    public Links Choice { get; set; }

    [Setting("probe.list", "texts")]
    public List<string> List { get; set; } = ["a", "b"];

    [Setting("probe.array", "texts")]
    public string[] Array { get; set; } = [];

    [Setting("probe.map", "texts by name")]
    public Dictionary<string, string> Map { get; set; } = [];

    [Setting("probe.lists", "lists by name")]
    public Dictionary<string, List<string>> Lists { get; set; } = [];

    [Setting("probe.keys", "entries")]
    public List<Entry> Keys { get; set; } = [];

    [Setting("probe.secret", "hidden", Secret = true)]
    public string? Secret { get; set; }

    [Setting("probe.deep.er.value", "nested")]
    public int Deep { get; set; } = 1;

    [Setting("probe.fixed", "needs a restart", NeedsRestart = true)]
    public int Fixed { get; set; } = 1;

    [Setting("probe.paths.root", "a sibling of nothing")]
    public string Root { get; set; } = "media";

    public void Check(Action<string, string> fault)
    {
        for (var i = 0; i < Keys.Count; i++)
        {
            if (Keys[i].Secret.Length < 4)
            {
                fault($"probe.keys[{i}].secret", "is too short");
            }
        }

        if (Count == 66 || Fixed == 66)
        {
            fault(Count == 66 ? "probe.count" : "probe.fixed", "must not be 66");
        }

        if (Count > Fixed * 50)
        {
            fault("probe.count", "is more than fifty times probe.fixed");
        }
    }

    public sealed class Entry
    {
        [SettingField(Required = true)]
        public string Id { get; set; } = "";

        [SettingField(Secret = true, Required = true)]
        public string Secret { get; set; } = "";

        public DateTimeOffset? NotBefore { get; set; }

        public DateTimeOffset? NotAfter { get; set; }

        [SettingField(Unit = SettingUnit.Bytes)]
        public long Room { get; set; }

        public List<string> Names { get; set; } = [];
    }
}

public sealed class OtherOptions
{
    [Setting("other.name", "of another part")]
    public string Name { get; set; } = "other";

    [Setting("rtmp.port", "a planned key that a part has taken over", Most = "65535")]
    public int RtmpPort { get; set; } = 1935;
}
