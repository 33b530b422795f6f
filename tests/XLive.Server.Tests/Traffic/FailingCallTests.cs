using XLive.Fuzz.Books;
using XLive.Server.Tests.Storage;

namespace XLive.Server.Tests.Traffic;

/// <summary>
/// Each call of the ledger's disk fails once, the first of its kind and every other up to the two hundredth where there are so many: the process goes on, the next cut
/// is made once the fault is gone, power fails, and every byte is there once. A sync that failed has lost what it should have kept.
/// </summary>
public sealed class FailingCallTests(ITestOutputHelper output)
{
    private const int Most = 200;

    [Fact]
    public void Writes_fail_the_disk_is_full_or_the_process_dies_of_them() =>
        Each((DiskCall.Write, DiskFault.Failed, false), (DiskCall.Write, DiskFault.Full, false), (DiskCall.Write, DiskFault.Death, false));

    [Fact]
    public void Syncs_fail_and_the_process_goes_on_or_dies_of_them() =>
        Each((DiskCall.Sync, DiskFault.Failed, false), (DiskCall.Sync, DiskFault.Failed, true), (DiskCall.Sync, DiskFault.Death, false));

    [Fact]
    public void What_else_is_asked_of_the_disk_fails()
    {
        Each((DiskCall.Read, DiskFault.Failed, false));
        // Of these there are a few at each start and end.
        EachOf(12, (DiskCall.Open, DiskFault.Failed, false), (DiskCall.Delete, DiskFault.Failed, false));
    }

    private void Each(params (DiskCall Call, DiskFault Fault, bool Dies)[] faults) => EachOf(Most, faults);

    private void EachOf(int most, params (DiskCall Call, DiskFault Fault, bool Dies)[] faults) =>
        FailingCalls.Each(output, most, faults, BooksModel.Fail);
}
