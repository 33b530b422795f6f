using System.Buffers;
using XLive.Media.Amf;
using XLive.Media.Codecs;

namespace XLive.Media.Flv;

/// <summary>onMetaData made of what the tracks are, not of what an encoder said (FLV 10.1, E.5).</summary>
public static class FlvMetadata
{
    /// <summary>The body of a script tag, and of RTMP's data message.</summary>
    public static void Write(IBufferWriter<byte> output, Track? video, Track? audio)
    {
        var amf = new Amf0Writer(output);
        amf.Text("onMetaData");
        int count = (video is null ? 0 : video.FrameRate > 0 ? 4 : 3) + (audio is null ? 0 : 3);
        amf.BeginEcmaArray(count);
        if (video is not null)
        {
            amf.Member("width", video.Width);
            amf.Member("height", video.Height);
            if (video.FrameRate > 0)
                amf.Member("framerate", video.FrameRate);
            amf.Member("videocodecid", video.Codec == Codec.H264 ? 7 : FourCc.NumberOf(video.Codec));
        }
        if (audio is not null)
        {
            amf.Member("audiocodecid", audio.Codec switch { Codec.Aac => 10, Codec.Mp3 => 2, _ => FourCc.NumberOf(audio.Codec) });
            amf.Member("audiosamplerate", audio.SampleRate);
            amf.Member("stereo", audio.Channels > 1);
        }
        amf.End();
    }
}
