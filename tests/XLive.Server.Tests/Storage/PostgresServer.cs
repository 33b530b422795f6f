using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Npgsql;

namespace XLive.Server.Tests.Storage;

/// <summary>
/// A real PostgreSQL below a temporary directory, reached through a unix socket there, so no port is taken. It refuses to run as root,
/// so root's tests run it as its own user. A shell holds it: when this process ends, however, the shell's input ends and it with it.
/// </summary>
public sealed partial class PostgresServer : IDisposable
{
    public const int SigInt = 2, SigQuit = 3, SigKill = 9, SigCont = 18, SigStop = 19;

    private const string Holder = """
        "$@" >>"$0/log" 2>&1 </dev/null & server=$!
        cat >/dev/null
        kill -QUIT $server 2>/dev/null; wait $server
        """;

    private static readonly Lazy<PostgresServer> s_shared = new(() =>
    {
        PostgresServer server = new();
        // Of a run that is broken off.
        AppDomain.CurrentDomain.ProcessExit += (_, _) => server.Dispose();
        return server;
    });

    private static readonly string s_programs = Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Last() + "/bin/";
    private static int s_databases;

    private readonly string _dir = Directory.CreateTempSubdirectory("xlive-pg-").FullName;
    private Process? _holder;

    public PostgresServer(params string[] settings)
    {
        if (Environment.IsPrivilegedProcess)
        {
            Run("chown", "postgres", _dir);
        }
        Run([.. AsOwner, s_programs + "initdb", "-D", _dir + "/data", "-U", "xlive", "-A", "trust", "-E", "UTF8", "--no-sync", "--no-instructions"]);
        File.AppendAllText(_dir + "/data/postgresql.conf", $"""

            listen_addresses = ''
            unix_socket_directories = '{_dir}'
            fsync = off
            max_connections = 60
            shared_buffers = 16MB
            {string.Join('\n', settings)}

            """);
        // Whoever has a password must show it; all others are let in.
        File.WriteAllText(_dir + "/data/pg_hba.conf", "local all keeper scram-sha-256\nlocal all all trust\nlocal replication all trust\n");
        Start();
    }

    /// <summary>One for all tests of this process that leave it running.</summary>
    public static PostgresServer Shared => s_shared.Value;

    /// <summary>Behind the last of them, and not at the process's end: see SharedPostgres.</summary>
    public static void EndShared()
    {
        if (s_shared.IsValueCreated)
        {
            s_shared.Value.Dispose();
        }
    }

    private static string[] AsOwner => Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

    public void Start()
    {
        ProcessStartInfo start = new("/bin/sh", ["-c", Holder, _dir, .. AsOwner, s_programs + "postgres", "-D", _dir + "/data"]) { RedirectStandardInput = true };
        _holder = Process.Start(start)!;
        for (Stopwatch waited = Stopwatch.StartNew(); ; Thread.Sleep(20))
        {
            try
            {
                Execute("postgres", "SELECT 1");
                return;
            }
            catch (NpgsqlException e) when (waited.Elapsed > TimeSpan.FromSeconds(20))
            {
                throw new InvalidOperationException("PostgreSQL did not start:\n" + File.ReadAllText(_dir + "/log"), e);
            }
            catch (NpgsqlException)
            {
                // Not yet.
            }
        }
    }

    /// <summary>Fast (SIGINT), immediate (SIGQUIT), or none of its own (SIGKILL, with what it started).</summary>
    public void Stop(int signal = SigInt)
    {
        Signal(signal);
        _holder!.StandardInput.Close();
        _holder.WaitForExit();
        _holder.Dispose();
        _holder = null;
    }

    /// <summary>To the server and all its processes.</summary>
    public void Signal(int signal)
    {
        int server = int.Parse(File.ReadLines(_dir + "/data/postmaster.pid").First(), CultureInfo.InvariantCulture);
        string children = File.ReadAllText($"/proc/{server}/task/{server}/children");
        int[] all = signal is SigInt or SigQuit ? [server]
            : [server, .. children.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(p => int.Parse(p, CultureInfo.InvariantCulture))];
        foreach (int process in all)
        {
            _ = Kill(process, signal);
        }
    }

    /// <summary>The URL of a new database, empty.</summary>
    public string NewDatabase()
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"t{Interlocked.Increment(ref s_databases)}");
        Execute("postgres", $"CREATE DATABASE {name}");
        return Url(name) + "&connect_timeout=20"; // a machine that is busy with all other tests
    }

    public string Url(string database, string user = "xlive", string host = "") => $"postgres://{user}@{host}/{database}?host={_dir}";

    public void Execute(string database, string sql)
    {
        using NpgsqlConnection connection = new($"Host={_dir};Username=xlive;Database={database};Pooling=false;Timeout=5");
        connection.Open();
        using NpgsqlCommand command = new(sql, connection);
        command.ExecuteNonQuery();
    }

    public static string NameOf(string url) => url[(url.LastIndexOf("@/", StringComparison.Ordinal) + 2)..url.IndexOf('?', StringComparison.Ordinal)];

    public void Dispose()
    {
        if (_holder is not null)
        {
            Signal(SigCont);
            Stop(SigQuit);
        }
        if (Directory.Exists(_dir))
        {
            Directory.Delete(_dir, recursive: true);
        }
    }

    private static void Run(params string[] command)
    {
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{string.Join(' ', command)} ended with {process.ExitCode}\n{output}\n{errors.Result}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
