using System.Diagnostics;
using XLive.EndToEnd.Harness;

namespace XLive.EndToEnd.Tls;

/// <summary>A root, an issuer below it, and a site's certificate that names an OCSP responder; made and answered for by openssl.</summary>
public sealed class Authority : IDisposable
{
    readonly TempFolder _folder = new();

    public int ResponderPort { get; } = FreePort.Next();

    /// <summary>The site's certificate, its issuer's and the root's: nothing is stapled by a server that cannot follow the chain to a root.</summary>
    public string Chain => _folder["chain.pem"];
    public string Key => _folder["site.key"];
    public string Root => _folder["root.pem"];

    public static async Task<Authority> Make()
    {
        var made = new Authority();
        await File.WriteAllTextAsync(made._folder["extensions"], $"""
            [issuer]
            basicConstraints=critical,CA:TRUE
            keyUsage=keyCertSign,cRLSign,digitalSignature
            [site]
            subjectAltName=DNS:localhost,IP:127.0.0.1
            authorityInfoAccess=OCSP;URI:http://127.0.0.1:{made.ResponderPort}/

            """);
        const string Ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        await OpenSslClient.Do(made._folder,
            $"openssl req -x509 {Ec} -keyout root.key -out root.pem -days 30 -subj '/CN=Root' -addext keyUsage=keyCertSign,cRLSign",
            $"openssl req {Ec} -keyout issuer.key -out issuer.csr -subj '/CN=Issuer'",
            "openssl x509 -req -in issuer.csr -CA root.pem -CAkey root.key -set_serial 2 -days 30 -extfile extensions -extensions issuer -out issuer.pem",
            $"openssl req {Ec} -keyout site.key -out site.csr -subj '/CN=localhost'",
            "openssl x509 -req -in site.csr -CA issuer.pem -CAkey issuer.key -set_serial 0x1001 -days 30 -extfile extensions -extensions site -out site.pem",
            "cat site.pem issuer.pem root.pem > chain.pem",
            // V: valid; end, revocation, serial, file, name.
            "printf 'V\\t350101000000Z\\t\\t1001\\tunknown\\t/CN=localhost\\n' > index.txt");
        return made;
    }

    public Process Responder()
    {
        var start = new ProcessStartInfo("openssl", [
            "ocsp", "-index", _folder["index.txt"], "-port", $"{ResponderPort}", "-CA", _folder["issuer.pem"], "-rsigner", _folder["issuer.pem"],
            "-rkey", _folder["issuer.key"], "-ndays", "1"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    public void Dispose() => _folder.Dispose();
}
