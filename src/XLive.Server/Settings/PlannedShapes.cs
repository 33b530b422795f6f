namespace XLive.Server.Settings;

/// <summary>Entries of the planned lists. They move beside the code that uses them, with their keys.</summary>
internal static class PlannedShapes
{
    public enum LimitBy { Ip, Uid, Stream, All }

    public sealed class Limit
    {
        public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(1);

        [SettingField(Required = true)]
        public int Count { get; set; }

        public int Burst { get; set; }

        public LimitBy By { get; set; }
    }

    public sealed class ByteLimit
    {
        [SettingField(Required = true, Unit = SettingUnit.Bytes)]
        public long Count { get; set; }

        [SettingField(Unit = SettingUnit.Bytes)]
        public long Burst { get; set; }

        public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(1);

        public LimitBy By { get; set; }
    }

    public sealed class SigningKey
    {
        [SettingField(Required = true)]
        public string Id { get; set; } = "";

        [SettingField(Required = true, Secret = true)]
        public string Secret { get; set; } = "";

        public DateTimeOffset? NotBefore { get; set; }

        public DateTimeOffset? NotAfter { get; set; }
    }
}
