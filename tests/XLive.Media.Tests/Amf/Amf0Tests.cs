using System.Buffers;
using System.Text;
using XLive.Media.Amf;

namespace XLive.Media.Tests.Amf;

public class Amf0Tests
{
    [Theory]
    [InlineData("00 3FF0000000000000", "1")]
    [InlineData("01 00", "false")]
    [InlineData("01 02", "true")]
    [InlineData("02 0003 616263", "\"abc\"")]
    [InlineData("02 0001 E9", "\"\uFFFD\"")] // Latin-1
    [InlineData("05", "null")]
    [InlineData("06", "undefined")]
    [InlineData("0D", "undefined")]
    [InlineData("0B 4270000000000000 0000", "date 1099511627776")]
    [InlineData("0C 00000003 616263", "\"abc\"")]
    [InlineData("0F 00000003 3C612F", "\"<a/\"")]
    [InlineData("03 000009", "{}")]
    [InlineData("03 0001 61 05 0001 62 01 01 000009", "{a:null,b:true}")]
    [InlineData("03 0001 61 05", "{a:null}")] // no end marker at the message's end
    [InlineData("03", "{}")]
    [InlineData("03 0000 05 000009", "{:null}")] // an empty name
    [InlineData("10 0001 43 0001 61 05 000009", "C{a:null}")]
    [InlineData("08 00000000 0001 61 05 000009", "[a:null]")] // the count is a hint
    [InlineData("08 FFFFFFFF 0001 61 05 000009", "[a:null]")]
    [InlineData("0A 00000002 05 0A 00000000", "(null,())")]
    [InlineData("03 0001 61 03 0001 78 05 000009 0001 62 07 0001 000009", "{a:{x:null},b:{x:null}}")]
    [InlineData("11 01", "null")]
    public void A_value_is_read(string hex, string printed)
    {
        var reader = new Amf0Reader(Hex(hex));
        Assert.Equal(printed, Print(reader.Read()));
        Assert.True(reader.AtEnd);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00 3FF0")]
    [InlineData("02 0004 616263")]
    [InlineData("04")] // a movie clip
    [InlineData("0E")] // a record set
    [InlineData("09")] // an end of nothing
    [InlineData("31")]
    [InlineData("0A 00000003 0505")]
    [InlineData("0A FFFFFFFF 0505")]
    [InlineData("0C FFFFFFFF 61")]
    [InlineData("0C 80000000 61")]
    [InlineData("07 0000")]
    [InlineData("03 0001 61 07 0000 000009")] // what holds itself
    [InlineData("03 0001 61")] // a name without a value
    public void What_is_no_value_is_refused(string hex) => Assert.Throws<AmfException>(() => new Amf0Reader(Hex(hex)).Read());

    [Fact]
    public void Objects_nest_to_a_depth()
    {
        var reader = new Amf0Reader(Hex(string.Concat(Enumerable.Repeat("0A00000001", AmfBudget.Deepest)) + "05"));
        Assert.Equal(AmfKind.List, reader.Read().Kind);
        Assert.Throws<AmfException>(() => new Amf0Reader(Hex(string.Concat(Enumerable.Repeat("0A00000001", AmfBudget.Deepest + 1)) + "05")).Read());
    }

    [Fact]
    public void A_reference_counts_with_all_that_it_holds()
    {
        // Each list holds the one before twice: 2^15 values in a hundred bytes.
        var laugh = new StringBuilder("0A0000000F 0A00000001 05");
        for (int i = 1; i < 15; i++)
            laugh.Append(System.Globalization.CultureInfo.InvariantCulture, $"0A00000002 07{i:X4} 07{i:X4}");
        var fault = Assert.Throws<AmfException>(() => new Amf0Reader(Hex(laugh.ToString())).Read());
        Assert.Contains("more values", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_and_members_are_bounded()
    {
        byte[] many = [0x0A, 0, 0, 0x20, 0, .. Enumerable.Repeat((byte)5, 0x2000)];
        Assert.Throws<AmfException>(() => new Amf0Reader(many).Read());

        var members = new StringBuilder("03");
        for (int i = 0; i < AmfBudget.MostMembers; i++)
            members.Append("0001 61 05");
        Assert.Equal(AmfBudget.MostMembers, new Amf0Reader(Hex(members + "000009")).Read().Object!.Members.Count);
        Assert.Throws<AmfException>(() => new Amf0Reader(Hex(members + "0001 61 05 000009")).Read());
    }

    [Fact]
    public void Of_a_name_that_comes_twice_the_last_counts()
    {
        var read = new Amf0Reader(Hex("03 0001 61 0101 0001 61 0100 000009")).Read().Object!;
        Assert.False(read["a"].Truth);
        Assert.Equal(AmfKind.Undefined, read["b"].Kind);
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        var output = new ArrayBufferWriter<byte>();
        var amf = new Amf0Writer(output);
        string late = new('x', 70_000);
        amf.Text("onMetaData");
        amf.Text(late);
        amf.BeginEcmaArray(2);
        amf.Member("width", 1920.5);
        amf.Member("stereo", true);
        amf.Member("encoder", "é");
        amf.Name("none");
        amf.Null();
        amf.End();
        amf.BeginObject();
        amf.End();
        amf.BeginStrictArray(2);
        amf.Undefined();
        amf.Date(1e12);

        var reader = new Amf0Reader(output.WrittenSpan);
        Assert.Equal("onMetaData", reader.Read().Text);
        Assert.Equal(late, reader.Read().Text);
        Assert.Equal("[width:1920.5,stereo:true,encoder:\"é\",none:null]", Print(reader.Read()));
        Assert.Equal("{}", Print(reader.Read()));
        Assert.Equal("(undefined,date 1000000000000)", Print(reader.Read()));
        Assert.True(reader.AtEnd);
    }

    internal static byte[] Hex(string text) => Convert.FromHexString(text.Replace(" ", "", StringComparison.Ordinal));

    internal static string Print(AmfValue value) => value.Kind switch
    {
        AmfKind.Null => "null",
        AmfKind.Undefined => "undefined",
        AmfKind.Date => "date " + value,
        AmfKind.Bytes => "#" + Convert.ToHexString(value.Bytes!),
        AmfKind.List => "(" + string.Join(',', value.Items!.Select(Print)) + ")",
        AmfKind.Object => value.Object!.ClassName + (value.Object.IsEcmaArray ? "[" : "{")
            + string.Join(',', value.Object.Members.Select(m => m.Key + ":" + Print(m.Value))) + (value.Object.IsEcmaArray ? "]" : "}"),
        _ => value.ToString(),
    };
}
