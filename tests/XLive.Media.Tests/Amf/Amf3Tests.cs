using XLive.Media.Amf;
using static XLive.Media.Tests.Amf.Amf0Tests;

namespace XLive.Media.Tests.Amf;

/// <summary>As they stand behind AMF0's marker 17.</summary>
public class Amf3Tests
{
    [Theory]
    [InlineData("00", "undefined")]
    [InlineData("01", "null")]
    [InlineData("02", "false")]
    [InlineData("03", "true")]
    [InlineData("04 7F", "127")]
    [InlineData("04 8100", "128")]
    [InlineData("04 FFFFFFFF", "-1")] // 29 bits
    [InlineData("04 BFFFFFFF", "268435455")]
    [InlineData("04 C0808000", "-268435456")]
    [InlineData("05 3FF8000000000000", "1.5")]
    [InlineData("06 07 616263", "\"abc\"")]
    [InlineData("06 01", "\"\"")]
    [InlineData("08 01 4270000000000000", "date 1099511627776")]
    [InlineData("09 05 01 01 03", "(null,true)")]
    [InlineData("09 03 0361 01 01 03", "[a:null,0:true]")]
    [InlineData("0A 0B 01 0361 03 0362 02 01", "{a:true,b:false}")] // dynamic, without a class
    [InlineData("0A 23 0343 0361 0362 03 02", "C{a:true,b:false}")] // sealed
    [InlineData("0A 2B 0343 0361 0362 03 02 0363 01 01", "C{a:true,b:false,c:null}")]
    [InlineData("0B 07 3C612F", "\"<a/\"")]
    [InlineData("0C 05 0102", "#0102")]
    [InlineData("0D 05 00 FFFFFFFF 00000001", "(-1,1)")]
    [InlineData("0E 03 00 FFFFFFFF", "(4294967295)")]
    [InlineData("0F 03 00 3FF8000000000000", "(1.5)")]
    [InlineData("10 03 00 01 06 0361", "(\"a\")")]
    // References: a string, traits, an object.
    [InlineData("09 05 01 06 0361 06 00", "(\"a\",\"a\")")]
    [InlineData("09 05 01 0A 13 01 0361 03 0A 01 02", "({a:true},{a:false})")]
    [InlineData("09 05 01 0C 03 07 0C 02", "(#07,#07)")]
    public void A_value_is_read(string hex, string printed)
    {
        var reader = new Amf0Reader(Hex("11" + hex));
        Assert.Equal(printed, Print(reader.Read()));
        Assert.True(reader.AtEnd);
    }

    [Theory]
    [InlineData("04 80")]
    [InlineData("06 00")] // no string was given
    [InlineData("09 00")]
    [InlineData("09 03 01 09 00")] // the array within itself
    [InlineData("0A 01")] // no traits were given
    [InlineData("0A 07 0343")] // externalizable
    [InlineData("0C FFFFFFFF 01")]
    [InlineData("09 FFFFFFFF 01 01")]
    [InlineData("0A FFFFFFF3 01")]
    [InlineData("0D FFFFFFFF 00 01")]
    [InlineData("0F 05 00 3FF8000000000000")]
    [InlineData("11 03 00")] // a dictionary: no command has one
    [InlineData("31")]
    public void What_is_no_value_is_refused(string hex) => Assert.Throws<AmfException>(() => new Amf0Reader(Hex("11" + hex)).Read());

    [Fact]
    public void The_two_versions_count_their_objects_apart()
    {
        // An AMF0 list, within it an AMF3 array that refers to nothing of AMF0's.
        Assert.Throws<AmfException>(() => new Amf0Reader(Hex("0A 00000002 0A 00000000 11 09 02")).Read());
        Assert.Equal("((),(null),())", Print(new Amf0Reader(Hex("0A 00000003 0A 00000000 11 09 03 01 01 07 0001")).Read()));
    }

    [Fact]
    public void Strings_and_traits_last_for_the_message()
    {
        var reader = new Amf0Reader(Hex("11 06 0361  11 06 00  05"));
        Assert.Equal("a", reader.Read().Text);
        Assert.Equal("a", reader.Read().Text);
        Assert.Equal(AmfKind.Null, reader.Read().Kind);
    }
}
