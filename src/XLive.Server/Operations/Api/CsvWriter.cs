using System.Buffers;
using System.Globalization;
using System.Text;

namespace XLive.Server.Operations.Api;

/// <summary>
/// Rows as RFC 4180 has them. A spreadsheet takes a text that begins with one of = + - @ for a formula and runs it, and a uid comes from
/// outside: such a text gets an apostrophe in front (OWASP, "CSV Injection").
/// </summary>
internal sealed class CsvWriter(IBufferWriter<byte> into)
{
    private bool _begun;

    public void Text(ReadOnlySpan<char> value)
    {
        Comma();
        bool formula = value.Length > 0 && value[0] is '=' or '+' or '-' or '@' or '\t' or '\r';
        bool quoted = formula || value.ContainsAny(",\"\r\n");
        if (!quoted)
        {
            Put(value);
            return;
        }
        Put(formula ? "\"'" : "\"");
        while (value.IndexOf('"') is var quote && quote >= 0)
        {
            Put(value[..(quote + 1)]);
            Put("\"");
            value = value[(quote + 1)..];
        }
        Put(value);
        Put("\"");
    }

    public void Number(long value)
    {
        Comma();
        Put(value.ToString(CultureInfo.InvariantCulture));
    }

    public void End()
    {
        Put("\r\n");
        _begun = false;
    }

    private void Comma()
    {
        if (_begun)
        {
            Put(",");
        }
        _begun = true;
    }

    private void Put(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, into);
}
