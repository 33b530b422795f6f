using XLive.Fuzz.Inputs;

namespace XLive.Fuzz.Engine;

/// <summary>All of them.</summary>
public static class Fuzzers
{
    public static readonly Func<Fuzzer>[] All =
    [
        static () => new PathFuzzer(),
        static () => new GrantQueryFuzzer(),
        static () => new GrantPathFuzzer(),
        static () => new SessionPathFuzzer(),
        static () => new ScopeFuzzer(),
        static () => new RangeFuzzer(),
        static () => new PlaylistFuzzer(),
        static () => new SettingsFuzzer(),
        static () => new TokenFuzzer(),
        static () => new IssuerTokenFuzzer(),
        static () => new KeySetFuzzer(),
        static () => new BodyFuzzer(),
        static () => new ProxyHeaderFuzzer(),
        static () => new ForwardedForFuzzer(),
        static () => new CidrFuzzer(),
        static () => new PatternFuzzer(),
        static () => new RefererFuzzer(),
        static () => new AcceptEncodingFuzzer(),
        static () => new CacheControlFuzzer(),
        static () => new RespFuzzer(),
        static () => new AnswerFuzzer(),
        static () => new HeadFileFuzzer(),
        static () => new BlockFileFuzzer(),
        static () => new AmfFuzzer(),
        static () => new HandshakeFuzzer(),
        static () => new ChunkFuzzer(),
        static () => new RtmpSessionFuzzer(),
        static () => new RtmpClientFuzzer(),
        static () => new FlvFuzzer(),
        static () => new AvcRecordFuzzer(),
        static () => new AacConfigFuzzer(),
        static () => new CodecRecordFuzzer(),
        static () => new EnhancedTagFuzzer(),
        static () => new SegmenterFuzzer(),
        static () => new CmafFuzzer(),
        static () => new PresentationFuzzer(),
        static () => new ViewerFramesFuzzer(),
    ];

    public static Func<Fuzzer>? Named(string name) => Array.Find(All, make => make().Name == name);
}
