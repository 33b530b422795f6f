using XLive.Server.Access;
using XLive.Server.Live;
using XLive.Server.Rtmp;
using XLive.Server.Settings;

namespace XLive.Server.Ingest.Ladder;

public sealed class LadderOptions : ICheckedOptions, ICheckedTogether
{
    private const string Key = "live.ladder";

    [Setting(Key, "renditions that an ffmpeg makes, {stream}_{name}: {name, height, video_bitrate, audio_bitrate (kbit/s), stream: app/name or pattern}")]
    public List<LadderEntry> Rungs { get; set; } = [];

    public void Check(Action<string, string> fault)
    {
        for (var i = 0; i < Rungs.Count; i++)
        {
            var (rung, at) = (Rungs[i], $"{Key}[{i}]");
            if (PathPattern.Fault("/" + rung.Stream) is { } wrong)
                fault(at + ".stream", wrong);
            if (new StreamName("live", "cam_" + rung.Name).Event is null)
                fault(at + ".name", $"'{rung.Name}' is no label: three or four digits, the lines of the picture, and a p behind them if you like (720p)");
            if (rung.Height is { } height && height % 2 != 0)
                fault(at + ".height", "must be even: half of the colour is kept");
            for (var j = 0; j < i; j++)
            {
                if (Rungs[j].Stream == rung.Stream && Rungs[j].Name == rung.Name)
                    fault(at + ".name", $"'{rung.Name}' is there twice for {rung.Stream}");
            }
        }
    }

    public void CheckWith(IReadOnlyDictionary<Type, object> others, Action<string, string> fault)
    {
        if (Rungs.Count > 0 && ((RtmpOptions)others[typeof(RtmpOptions)]).Port == 0)
            fault(Key, "needs rtmp.port: what is encoded is published there");
    }
}

public sealed record LadderEntry
{
    /// <summary>A label such as 720p: what stands behind the stream's name.</summary>
    [SettingField(Required = true)]
    public string Name { get; set; } = "";

    /// <summary>Null: as large as the stream.</summary>
    [SettingField(Least = "16", Most = "8640")]
    public int? Height { get; set; }

    [SettingField(Required = true, Least = "50", Most = "100000")]
    public int VideoBitrate { get; set; }

    /// <summary>Null: the sound as it came.</summary>
    [SettingField(Least = "16", Most = "1000")]
    public int? AudioBitrate { get; set; }

    public string Stream { get; set; } = "*/*";

    internal StreamName? NameFor(in StreamName source) => StreamName.TryOf(source.App, $"{source.Stream}_{Name}", out var name) ? name : null;
}
