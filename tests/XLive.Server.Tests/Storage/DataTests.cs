using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using XLive.Server.Storage;

namespace XLive.Server.Tests.Storage;

public sealed class DataTests : IDisposable
{
    private readonly DataOptions _options = new() { Dir = Path.Combine(Directory.CreateTempSubdirectory("xlive-data-").FullName, "data") };

    private string Keys => Path.Combine(_options.Dir, "keys");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_options.Dir)!, recursive: true);

    [Fact]
    public void A_secret_is_made_once_and_is_private()
    {
        KeyFiles keys = new(_options, NullLogger<KeyFiles>.Instance);
        string first = keys.ReadOrCreate("access");
        Assert.Equal(43, first.Length);
        Assert.Equal(32, keys.ReadOrCreateBytes("access").Length);
        Assert.Equal(first, new KeyFiles(_options, NullLogger<KeyFiles>.Instance).ReadOrCreate("access"));
        Assert.NotEqual(first, keys.ReadOrCreate("other"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Keys, "access")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Keys));
        Assert.Equal(2, Directory.GetFiles(Keys).Length);
    }

    [Fact]
    public void Of_many_that_make_a_secret_all_get_the_same()
    {
        for (int round = 0; round < 20; round++)
        {
            string[] made = new string[16];
            Parallel.For(0, made.Length, i => made[i] = new KeyFiles(_options, NullLogger<KeyFiles>.Instance).ReadOrCreate("access" + round));
            Assert.Single(made.Distinct());
            Assert.Equal(round + 1, Directory.GetFiles(Keys).Length);
        }
    }

    [Fact]
    public void A_secret_that_others_could_read_is_closed_with_a_warning()
    {
        Heard log = new();
        KeyFiles keys = new(_options, log);
        string secret = keys.ReadOrCreate("access");
        string path = Path.Combine(Keys, "access");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        Assert.Equal(secret, keys.ReadOrCreate("access"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Contains("open to others", Assert.Single(log.Messages), StringComparison.Ordinal);
        File.WriteAllText(path, " \n");
        Assert.Throws<InvalidDataException>(() => keys.ReadOrCreate("access"));
        Assert.Throws<ArgumentException>(() => keys.Read("../xlive.db"));
    }

    [Fact]
    public void The_second_server_is_told_who_has_the_data()
    {
        using (DataLock.Take(_options))
        {
            DataInUseException refused = Assert.Throws<DataInUseException>(() => DataLock.Take(_options));
            Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
            Assert.Contains("data.dir", refused.Message, StringComparison.Ordinal);
        }
        DataLock.Take(_options).Dispose();
    }

    private sealed class Heard : ILogger<KeyFiles>
    {
        public List<string> Messages { get; } = [];

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Messages.Add(formatter(state, exception));
    }
}
