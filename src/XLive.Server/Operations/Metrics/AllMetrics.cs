namespace XLive.Server.Operations.Metrics;

/// <summary>Every figure there is, whoever asks for them. Each is in docs/metrics.md.</summary>
internal static class AllMetrics
{
    public static void Write(IMetrics metrics, IServiceProvider services)
    {
        ServerMetrics.Write(metrics, services);
        HealthMetrics.Write(metrics, services);
        RuntimeMetrics.Write(metrics);
        MachineMetrics.Write(metrics, services);
        StorageMetrics.Write(metrics, services);
        SessionMetrics.Write(metrics, services);
        LiveMetrics.Write(metrics, services);
        StreamMetrics.Write(metrics, services);
        TrafficMetrics.Write(metrics, services);
        HookMetrics.Write(metrics, services);
        AccountMetrics.Write(metrics, services);
        FrontCacheMetrics.Write(metrics, services);
        RedisMetrics.Write(metrics, services);
        OriginMetrics.Write(metrics, services);
        CacheMetrics.Write(metrics, services);
        OtlpMetrics.Write(metrics, services);
    }
}
