namespace XLive.Server.Traffic;

/// <summary>A report as it was cut: these bytes are posted until somebody takes them.</summary>
/// <param name="Sequence">Reports of a node are posted in this order.</param>
/// <param name="Bytes">Of traffic, summed over its items.</param>
public sealed record Report(long Sequence, string Id, byte[] Body, long Bytes, int Attempts);

/// <summary>A report in the outbox, without its body.</summary>
/// <param name="Parked">Why it waits for an operator; null while it waits for the receiver.</param>
/// <param name="Said">What came of the last attempt.</param>
public sealed record ReportEntry(
    long Sequence, string Id, long Bytes, int Items, long BodyLength, DateTimeOffset Made, string? Parked, int Attempts, DateTimeOffset? Attempted, string Said);

/// <param name="BodyBytes">Waiting and parked.</param>
/// <param name="Oldest">When the oldest that waits was cut.</param>
public sealed record OutboxDepth(int Waiting, int Parked, long BodyBytes, DateTimeOffset? Oldest);

/// <summary>What GET /traffic counts; all but the qualified survive restarts.</summary>
public sealed record TrafficTotals(long RecordedUids, long ReportsSent, long BytesReported, long QualifiedUids, long ReportsFailed, long AccumulatorCleanups);
