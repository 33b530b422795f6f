using XLive.Server.Door;
using XLive.Server.Settings;

namespace XLive.Server.Access;

/// <summary>The names under which streams live: a link must not be able to derive one as its scope.</summary>
public sealed class LiveAppsOptions : ICheckedOptions
{
    [Setting("live.apps", "first path segments that are live streams, rtmp://host/{app}/{stream}")]
    public List<string> Apps { get; set; } = ["live", "wida"];

    public void Check(Action<string, string> fault)
    {
        foreach (var app in Apps)
        {
            if (app.Length is 0 or > 128 || app[0] == '.' || app.Any(c => !char.IsAsciiLetterOrDigit(c) && !"._~-".Contains(c)))
                fault("live.apps", $"'{app}' is no app; letters, digits and ._~- up to 128, no leading dot");
            else if (FrontDoor.IsReserved("/" + app) || app[0] == '~')
                fault("live.apps", $"'{app}' is a reserved name");
        }
    }
}
