"""Bad networks between two namespaces each, and a server at the far end of every one."""
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "delivery"))
import servers  # noqa: E402
from servers import signed  # noqa: E402

SOURCE = os.path.join(servers.REPOSITORY, "..", "shared", "lossylink")
ALLOWED = "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
FAR = "10.77.0.1"


class Network:
    """A link as lossylink takes it: one-way delay, rate, loss towards the viewer, and a queue of one bandwidth-delay product."""

    def __init__(self, name, rtt, rate, loss, queue, seed=11):
        self.name, self.rtt, self.rate, self.loss, self.queue, self.seed = name, rtt, rate, loss, queue, seed

    def copies(self, count):
        """Links alike that lose other packets."""
        return [Network(self.name, self.rtt, self.rate, self.loss, self.queue, self.seed + i) for i in range(count)]

    @property
    def mbit(self):
        return {"m": 1, "g": 1000}[self.rate[-1]] * float(self.rate[:-1])

    def options(self):
        return ["-x", f"delay={self.rtt / 2:g},queue={self.queue}", "-f", f"rate={self.rate},loss={self.loss}", "-r", f"rate={self.rate}", "-s", str(self.seed)]


class Link:
    """Namespaces NAME-a, where the server stands, and NAME-b, where its viewers are."""

    last = 0
    script = None

    @staticmethod
    def prepare(work):
        if not os.path.exists(f"{SOURCE}/lossylink.c"):
            raise SystemExit("This needs ../shared/lossylink beside the checkout.")
        for file in ("lossylink.c", "link.sh"):
            shutil.copy(f"{SOURCE}/{file}", work)
        subprocess.run(["gcc", "-std=c11", "-O2", "-o", f"{work}/lossylink", f"{work}/lossylink.c", "-lm"], check=True)
        Link.script = f"{work}/link.sh"

    def __init__(self, network, congestion):
        Link.last += 1
        self.name, self.network = f"xn{os.getpid()}x{Link.last}", network
        subprocess.run(["sh", Link.script, "up", self.name, *network.options()], check=True, stdout=sys.stderr)
        for side in "ab":
            # Or one run's window teaches the next; and what the namespace has is what a server that chooses nothing gets.
            subprocess.run([*self.inside(side), "sysctl", "-qw", "net.ipv4.tcp_no_metrics_save=1",
                            f"net.ipv4.tcp_congestion_control={congestion if side == 'a' else 'cubic'}"], check=True)

    def inside(self, side):
        return ["ip", "netns", "exec", f"{self.name}-{side}"]

    def sent(self, side="a"):
        """TCP segments that this side has sent, and how many of them again."""
        lines = [line.split() for line in subprocess.run([*self.inside(side), "cat", "/proc/net/snmp"], stdout=subprocess.PIPE, text=True).stdout.splitlines()
                 if line.startswith("Tcp:")]
        tcp = dict(zip(lines[0][1:], map(int, lines[1][1:])))
        return tcp["OutSegs"], tcp["RetransSegs"]

    def congestion(self, port, side="a"):
        """What the sockets of this port have: a set of names."""
        out = subprocess.run([*self.inside(side), "ss", "-tinH", "state", "established", f"( sport = :{port} )"], stdout=subprocess.PIPE, text=True).stdout
        return set(re.findall(r"\b(bbr|cubic|reno)\b", out))

    def down(self):
        subprocess.run(["sh", Link.script, "down", self.name], stdout=subprocess.DEVNULL)


class Arena:
    """One contestant at the far end of a link of its own."""

    def __init__(self, who, network, root, work, *options):
        self.who, self.network = who, network
        self.link = Link(network, who.congestion)
        if who.sysctl:
            subprocess.run([*self.link.inside("a"), "sysctl", "-qw", who.sysctl], check=True)
        self.server = None
        try:
            self.server = who.start(self, root, work, *options)
            self.answers(signed("/film/small.ts"))
        except BaseException:
            self.close()
            raise

    def near(self, *command, **options):
        return subprocess.Popen([*self.link.inside("b"), *command], stdout=subprocess.PIPE, text=True, **options)

    def answers(self, path):
        for attempt in range(60):
            code = self.near("curl", "-s", "-o", "/dev/null", "-m", "10", "-w", "%{http_code}", f"http://{self.server.address}:{self.server.port}{path}").communicate()[0]
            if code == "200":
                return
            if self.server.process.poll() is not None:
                raise SystemExit(f"{self.who.name} ended with {self.server.process.returncode}")
            time.sleep(0.25)
        raise SystemExit(f"{self.who.name} answers {code} to {path}")

    def load(self, program, paths, *options):
        return self.near(f"{servers.REPOSITORY}/artifacts/load/{program}", "-a", self.server.address, "-p", str(self.server.port), "-f", paths, *map(str, options))

    def close(self):
        if self.server is not None:
            self.server.end()
        self.link.down()


def measure(arenas, program, paths, *options):
    """The same load on all links at once. What came of it by arena: the program's own words, the segments sent and sent again, and the congestion control seen."""
    before = [a.link.sent() for a in arenas]
    begun = [a.load(program, paths(a) if callable(paths) else paths, *(options if not callable(options[0]) else options[0](a))) for a in arenas]
    seen = [set() for _ in arenas]
    while any(p.poll() is None for p in begun):
        time.sleep(2)
        for names, a, p in zip(seen, arenas, begun):
            if p.poll() is None:
                names |= a.link.congestion(a.server.port)
    found = {}
    for a, p, (segments, again), names in zip(arenas, begun, before, seen):
        out = p.communicate()[0]
        if p.returncode != 0:
            raise SystemExit(f"{program} at {a.who.name}, {a.network.name}, ended with {p.returncode}: {out}")
        now = a.link.sent()
        got = json.loads(out.splitlines()[-1])
        got["segments"], got["again"], got["congestion"] = now[0] - segments, now[1] - again, "+".join(sorted(names))
        found[a] = got
    return found
