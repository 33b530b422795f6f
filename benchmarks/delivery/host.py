"""What the machine below this one takes away: of a virtual machine whose processors are somebody else's half of the time no figure says anything."""
import contextlib
import io
import sys

# Two runs on a machine of one's own differ by as much.
MUCH = 0.03


class Taken:
    """The share of the processors' time, since this was made, that the host gave to others."""

    def __init__(self):
        self.before = self.read()

    @staticmethod
    def read():
        with open("/proc/stat") as stat:
            times = [int(word) for word in stat.readline().split()[1:9]]
        return times[7], sum(times)

    def share(self):
        steal, total = self.read()
        return (steal - self.before[0]) / max(1, total - self.before[1])


def measure_at_rest(part, failed, attempts=3):
    """Runs a part and prints what it printed. One that missed a bar while the host took much is run again, for as long as attempts are left."""
    for left in reversed(range(attempts)):
        taken, before, out = Taken(), len(failed), io.StringIO()
        with contextlib.redirect_stdout(out):
            part()
        share = taken.share()
        if len(failed) == before or share <= MUCH or left == 0:
            break
        print(f"the host took {100 * share:.0f} % of the processors, and {len(failed) - before} bars were missed: once more", file=sys.stderr, flush=True)
        del failed[before:]
    print(out.getvalue(), end="")
    if share > MUCH:
        print(f"The host took {100 * share:.0f} % of the processors meanwhile.\n", flush=True)
