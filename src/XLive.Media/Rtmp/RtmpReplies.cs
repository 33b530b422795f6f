using System.Buffers;
using XLive.Media.Amf;

namespace XLive.Media.Rtmp;

/// <summary>The commands that a server sends.</summary>
internal sealed class RtmpReplies(IBufferWriter<byte> output)
{
    // What nginx-rtmp and SRS say; there are clients that look whether it is new enough for H.264.
    private const string ServerVersion = "FMS/3,0,1,123";
    private const int Capabilities = 31;

    private readonly ArrayBufferWriter<byte> _body = new();

    /// <summary>What the peer believes, until it is told of another.</summary>
    public int ChunkSize { get; set; } = 128;

    /// <param name="isEnhanced">It is told what codecs there are: an old client need not know lists within objects.</param>
    public void Connected(double transaction, int objectEncoding, bool isEnhanced)
    {
        var amf = Begin("_result", transaction);
        amf.BeginObject();
        amf.Member("fmsVer", ServerVersion);
        amf.Member("capabilities", Capabilities);
        amf.End();
        amf.BeginObject();
        Information(amf, "status", "NetConnection.Connect.Success", "Connection succeeded.");
        amf.Member("objectEncoding", objectEncoding);
        if (isEnhanced)
            RtmpCodecs.Write(amf);
        amf.End();
        Send(0);
    }

    public void Rejected(double transaction, string code, string description)
    {
        var amf = Begin("_error", transaction);
        amf.Null();
        amf.BeginObject();
        Information(amf, "error", code, description);
        amf.End();
        Send(0);
    }

    public void Result(double transaction)
    {
        var amf = Begin("_result", transaction);
        amf.Null();
        amf.Undefined();
        Send(0);
    }

    public void Result(double transaction, double value)
    {
        var amf = Begin("_result", transaction);
        amf.Null();
        amf.Number(value);
        Send(0);
    }

    /// <summary>Transaction 0: it answers nothing (7.2.2). On the message stream that it is about.</summary>
    public void Status(uint streamId, string level, string code, string description)
    {
        var amf = Begin("onStatus", 0);
        amf.Null();
        amf.BeginObject();
        Information(amf, level, code, description);
        amf.End();
        Send(streamId);
    }

    public void FCPublish()
    {
        var amf = Begin("onFCPublish", 0);
        amf.Null();
        amf.BeginObject();
        Information(amf, "status", "NetStream.Publish.Start", "FCPublish to stream.");
        amf.End();
        Send(0);
    }

    /// <summary>That a player may look at the samples. Flash players show nothing to code without it.</summary>
    public void SampleAccess(uint streamId)
    {
        _body.ResetWrittenCount();
        var amf = new Amf0Writer(_body);
        amf.Text("|RtmpSampleAccess");
        amf.Boolean(true);
        amf.Boolean(true);
        ChunkWriter.Write(output, ChunkWriter.DataChunks, RtmpMessageType.Data, streamId, 0, _body.WrittenSpan, ChunkSize);
    }

    private static void Information(Amf0Writer amf, string level, string code, string description)
    {
        amf.Member("level", level);
        amf.Member("code", code);
        amf.Member("description", description);
    }

    private Amf0Writer Begin(string name, double transaction)
    {
        _body.ResetWrittenCount();
        var amf = new Amf0Writer(_body);
        amf.Text(name);
        amf.Number(transaction);
        return amf;
    }

    private void Send(uint streamId) => ChunkWriter.Write(output, ChunkWriter.CommandChunks, RtmpMessageType.Command, streamId, 0, _body.WrittenSpan, ChunkSize);
}
