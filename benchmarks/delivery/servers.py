"""The servers that are compared, over the same folder and with the same signing secret, and what they cost."""
import base64
import hashlib
import hmac
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(HERE))
SECRET = "yardstick-secret-0123456789abcdef"
TICK = os.sysconf("SC_CLK_TCK")
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def signed(path, uid="u1", expires=9999999999):
    text = f"v1\n\n{uid}\n{expires}\n{path.rpartition('/')[0]}/"
    mac = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    return f"{path}?uid={uid}&expires={expires}&token={base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def signed_stream(stream, form=""):
    """A link for one live stream in all its forms, as it is written behind /live/."""
    scope, expires = f"/live/{stream}", 9999999999
    mac = hmac.new(SECRET.encode(), f"v1\n\nviewer\n{expires}\n{scope}".encode(), hashlib.sha256).digest()
    return f"{stream}{form}?uid=viewer&expires={expires}&scope={urllib.parse.quote(scope, safe='')}&token={base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A running server: its name, its port, and what its processes have used."""

    def __init__(self, name, port, process, *helpers, address="127.0.0.1"):
        self.name, self.port, self.process, self.helpers, self.address = name, port, process, helpers, address

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def family(self):
        """The process and all its descendants; helpers, such as the peers' Redis, are not counted."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    todo += [int(c) for c in open(f"/proc/{pid}/task/{task}/children").read().split()]
            except OSError:
                pass
        return found

    def cpu(self):
        """Seconds of processor time so far."""
        total = 0
        for pid in self.family():
            try:
                fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
                total += int(fields[11]) + int(fields[12])
            except OSError:
                pass
        return total / TICK

    def rss(self):
        """Resident KiB."""
        total = 0
        for pid in self.family():
            try:
                total += int(re.search(r"VmRSS:\s+(\d+)", open(f"/proc/{pid}/status").read()).group(1))
            except (OSError, AttributeError):
                pass
        return total

    def check(self, root, path):
        """Waits until the server answers, and makes sure that it sends the file's bytes."""
        for attempt in range(100):
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self.process.returncode}")
            try:
                with urllib.request.urlopen(self.url + signed(path), timeout=10) as answer:
                    if answer.read() != open(root + path, "rb").read():
                        raise SystemExit(f"{self.name} sent other bytes than {path} has")
                return
            except OSError as fault:
                last = fault
                time.sleep(0.1)
        raise SystemExit(f"{self.name} at {self.url} does not answer {path}: {last}")

    def end(self):
        """At once, with whatever is being sent: there is nothing to learn from how it ends."""
        # Parents first, or they start another child.
        for pid in self.family():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in self.helpers:
            process.terminate()
        for process in (self.process, *self.helpers):
            process.wait()

    def stop(self):
        for process in (self.process, *self.helpers):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in (self.process, *self.helpers):
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def start_nginx(root, work, origin=None, within=(), address="127.0.0.1"):
    """With an origin (a port here, or address:port) it asks there instead of the folder, with the same checks."""
    port = free_port()
    conf = open(f"{HERE}/peers/nginx_lua.conf.in").read().replace("listen 127.0.0.1:", f"listen {address}:")
    if origin:
        conf = conf.replace("  server {\n", f"  upstream origin {{ server {place(origin)}; keepalive 64; }}\n  server {{\n", 1)
        conf = conf.replace("      log_by_lua_block",
                            '      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";\n      log_by_lua_block', 1)
    fill = {"DIR": work, "ROOT": root, "PORT": str(port), "SECRET": SECRET, "USER": "user root;" if os.geteuid() == 0 else ""}
    for key, value in fill.items():
        conf = conf.replace(f"@{key}@", value)
    return Server("nginx + Lua", port, run_nginx(conf, work, f"nginx-{port}", within), address=address)


def place(origin):
    return origin if isinstance(origin, str) else f"127.0.0.1:{origin}"


def run_nginx(conf, work, name, within=()):
    with open(f"{work}/{name}.conf", "w") as out:
        out.write(conf.replace(f"{work}/nginx.pid", f"{work}/{name}.pid"))
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    return subprocess.Popen([*within, nginx, "-e", "stderr", "-c", f"{work}/{name}.conf"], **QUIET)


def start_origin(root, work, within=(), address="127.0.0.1"):
    """A plain nginx over the folder, and the log of what was asked of it."""
    port = free_port()
    log = f"{work}/origin-{port}.log"
    conf = f"""{"user root;" if os.geteuid() == 0 else ""} worker_processes 2; daemon off; pid {work}/nginx.pid; error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  log_format asked '$request_uri $status $body_bytes_sent $http_range'; access_log {log} asked;
  sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=1000;
  types {{ video/mp2t ts; application/vnd.apple.mpegurl m3u8; video/mp4 mp4; }}
  server {{ listen {address}:{port} backlog=4096; root {root}; }}
}}
"""
    server = Server("origin", port, run_nginx(conf, work, f"origin-{port}", within), address=address)
    server.log = log
    return server


def start_fastapi(root, work, origin=None, within=(), address="127.0.0.1", workers=5):
    port, store_port = free_port(), free_port()
    store = subprocess.Popen([*within, "redis-server", "--port", str(store_port), "--save", "", "--bind", "127.0.0.1", "--dir", work], **QUIET)
    env = dict(os.environ, ROOT=root, SECRET=SECRET, REDIS_PORT=str(store_port), PYTHONPATH=f"{HERE}/peers", PYTHONDONTWRITEBYTECODE="1")
    if origin:
        env["ORIGIN"] = f"http://{place(origin)}"
    gateway = subprocess.Popen([*within, "/usr/bin/python3", "/usr/bin/gunicorn", "fastapi_gateway:app", "-w", str(workers), "-k",
                                "uvicorn.workers.UvicornWorker", "-b", f"{address}:{port}"], env=env, cwd=work, **QUIET)
    return Server("FastAPI + Redis", port, gateway, store, address=address)


def start_xlive(root, work, *options, within=(), address="127.0.0.1"):
    port, data = free_port(), tempfile.mkdtemp(prefix="xlive-", dir=work)
    process = subprocess.Popen(
        [*within, f"{REPOSITORY}/artifacts/bin/XLive.Server/release/xlive", f"--backend.filesystem.root={root}", f"--server.port={port}",
         "--hls.port=0", f"--rtmp.port={free_port()}", f"--access.secret={SECRET}", "--access.max_lifetime=0",
         f"--data.dir={data}/data", f"--log.dir={data}/logs", "--log.level=warning", *options],
        cwd=data, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said, ready = [], threading.Event()

    def listen():
        for line in process.stdout:
            said.append(line)
            if line.strip() == "XLive is ready":
                ready.set()
        ready.set()

    threading.Thread(target=listen, daemon=True).start()
    if not ready.wait(60) or process.poll() is not None or "XLive is ready" not in map(str.strip, said):
        process.kill()
        raise SystemExit("XLive did not start:\n" + "".join(said))
    server = Server("XLive", port, process, address=address)
    server.said = said
    return server
