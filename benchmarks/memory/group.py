"""A control group whose memory is bounded, of version 1 or 2 of the controller."""
import os
import re
import time

MIB = 1 << 20


class Group:
    def __init__(self, limit):
        first = "/sys/fs/cgroup/memory"
        self.second = not os.path.isdir(first)
        self.path = f"{'/sys/fs/cgroup' if self.second else first}/xlive-bench-{os.getpid()}"
        os.mkdir(self.path)
        with open(f"{self.path}/{'memory.max' if self.second else 'memory.limit_in_bytes'}", "w") as out:
            out.write(str(limit))

    @property
    def prefix(self):
        return ["sh", "-c", f'echo $$ >{self.path}/cgroup.procs && exec "$@"', "sh"]

    def killed(self):
        name = "memory.events" if self.second else "memory.oom_control"
        return int(re.search(r"oom_kill (\d+)", open(f"{self.path}/{name}").read()).group(1))

    def remove(self):
        for _ in range(50):
            try:
                os.rmdir(self.path)
                return
            except OSError:
                time.sleep(0.1)
