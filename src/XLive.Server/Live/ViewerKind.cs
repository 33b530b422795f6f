namespace XLive.Server.Live;

/// <summary>How one watches frames as they come: for the counts.</summary>
public enum ViewerKind : byte { Flv, WsFlv, Rtmp, Forward, Ladder }

public static class ViewerKinds
{
    private static readonly string[] Words = ["flv", "ws_flv", "rtmp", "forward", "ladder"];

    public static int Count => Words.Length;

    public static string Word(this ViewerKind kind) => Words[(int)kind];

    internal static WireForm Form(this ViewerKind kind) => kind == ViewerKind.Rtmp ? WireForm.Rtmp : WireForm.Flv;
}
