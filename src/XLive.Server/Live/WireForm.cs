using System.Buffers;
using XLive.Media;
using XLive.Media.Flv;
using XLive.Media.Rtmp;

namespace XLive.Server.Live;

/// <summary>As what frames are sent to those who watch them as they come: made once for all of them.</summary>
internal enum WireForm : byte { Flv, Rtmp }

internal static class WireForms
{
    /// <summary>More than a frame or a configuration of so many bytes ever takes.</summary>
    public static int LongestOf(this WireForm form, int length) =>
        form == WireForm.Flv ? FlvBody.LongestHead + FlvWriter.TagOverhead + length : RtmpMedia.LongestOf(length);

    public static void WriteFrame(this WireForm form, IBufferWriter<byte> output, in Frame frame)
    {
        if (form == WireForm.Flv)
            FlvWriter.WriteFrame(output, frame);
        else
            RtmpMedia.WriteFrame(output, frame);
    }

    public static void WriteConfiguration(this WireForm form, IBufferWriter<byte> output, Track track, Timestamp time)
    {
        if (form == WireForm.Flv)
            FlvWriter.WriteConfiguration(output, track, (uint)time.Milliseconds);
        else
            RtmpMedia.WriteConfiguration(output, track, time);
    }
}
