namespace XLive.Media.Tests.Hls;

/// <summary>Alone: these ask for what the whole process takes.</summary>
[CollectionDefinition(nameof(ProcessMemory), DisableParallelization = true)]
public sealed class ProcessMemory;
