using System.Buffers.Binary;
using XLive.Media;
using XLive.Media.Codecs;

namespace XLive.EndToEnd.Harness;

/// <summary>Frames out of a file that ffmpeg wrote as it would send them to a server: times in milliseconds, NAL units behind their lengths.</summary>
public static class FlvFile
{
    public static async Task<List<Frame>> Make(TempFolder folder, string name, params string[] recipe)
    {
        (await Tool.Run("ffmpeg", ["-hide_banner", "-loglevel", "error", "-nostdin", "-y", .. recipe, folder[name]], TimeSpan.FromSeconds(60))).MustSucceed();
        return Read(await File.ReadAllBytesAsync(folder[name]));
    }

    static List<Frame> Read(byte[] file)
    {
        List<Frame> frames = [];
        Track? video = null, audio = null;
        // A header of 9 bytes, and before each tag the size of the one before.
        for (var at = 13; at + 11 < file.Length;)
        {
            var size = (file[at + 1] << 16) | BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 2));
            var time = (file[at + 7] << 24) | (file[at + 4] << 16) | BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 5));
            var (type, tag) = (file[at], file.AsMemory(at + 11, size));
            at += 11 + size + 4;
            if (type == 9 && tag.Span[1] == 0)
            {
                Assert.True(AvcConfiguration.TryRead(tag.Span[5..], out video, out var fault), fault);
            }
            else if (type == 9 && tag.Span[1] == 1)
            {
                var offset = (sbyte)tag.Span[2] << 16 | tag.Span[3] << 8 | tag.Span[4];
                frames.Add(new Frame(video!, Timestamp.FromMilliseconds(time), offset * 90, tag.Span[0] >> 4 == 1 ? FrameFlags.Key : FrameFlags.None, tag[5..]));
            }
            else if (type == 8 && tag.Span[0] >> 4 == 10 && tag.Span[1] == 0)
            {
                Assert.True(AacConfiguration.TryRead(tag.Span[2..], out audio, out var fault), fault);
            }
            else if (type == 8)
            {
                var payload = tag[(tag.Span[0] >> 4 == 10 ? 2 : 1)..];
                if (tag.Span[0] >> 4 == 2 && audio is null)
                    Assert.True(Mp3Header.TryRead(payload.Span, out audio, out var fault), fault);
                if (payload.Length > 0)
                    frames.Add(new Frame(audio!, Timestamp.FromMilliseconds(time), 0, FrameFlags.Key, payload));
            }
        }
        return frames;
    }
}
