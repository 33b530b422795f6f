"""Viewers that look closely: when a first picture comes, when a segment is listed, and viewers who read slowly."""
import http.client
import json
import selectors
import socket
import subprocess
import threading
import time
import urllib.parse

MARK = b"LIVEBENCHMARKER!"


def as_format(url):
    """The generator takes a format of printf."""
    return url.replace("%", "%%")


def first_picture(programs, url):
    """Milliseconds to the first keyframe, by the generator that parses."""
    out = subprocess.run([programs + "liveload", "-u", as_format(url), "-n", "1", "-k", "1", "-w", "0", "-t", "1"], stdout=subprocess.PIPE, text=True, check=True).stdout
    key = json.loads(out.splitlines()[-1])["key_ms"]
    return key if key >= 0 else float("inf")


class Slow:
    """So many viewers who take so many bytes a second each, with as small a window as the kernel gives."""

    def __init__(self, url, count, rate):
        parts = urllib.parse.urlsplit(url)
        self.sockets, self.rate, self.bytes, self.ended = [], rate, 0, False
        for _ in range(count):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect((parts.hostname, parts.port))
            one.sendall(f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
            one.setblocking(False)
            self.sockets.append(one)
        self.began = time.monotonic()
        self.thread = threading.Thread(target=self.read, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def read(self):
        while not self.ended:
            turn = time.monotonic()
            for one in list(self.sockets):
                try:
                    got = one.recv(self.rate // 4)
                except BlockingIOError:
                    continue
                except OSError:
                    got = b""
                self.bytes += len(got)
                if not got:
                    one.close()
                    self.sockets.remove(one)
            time.sleep(max(0, 0.25 - (time.monotonic() - turn)))

    def taken(self):
        """How many are still there, and the bytes a second of all."""
        return len(self.sockets), self.bytes / (time.monotonic() - self.began)

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        for one in self.sockets:
            one.close()


def keyframes(url, found, stop):
    """The publisher's stamps in the keyframes of a stream, until it is over."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    body = connection.getresponse()
    body.read(13)
    while not stop.is_set():
        try:
            head = body.read(11)
            payload = body.read(int.from_bytes(head[1:4], "big") + 4)
        except (http.client.HTTPException, OSError):
            return
        if not payload:
            return
        if head[0] == 9 and payload[0] >> 4 == 1 and payload[1] == 1:
            at = payload.find(MARK, 0, 256)
            if at >= 0:
                found.append(int(payload[at + 16:at + 32], 16) / 1e6)


class Playlist:
    """The one media playlist of a stream, by the path of the session that the link opened."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        self.path = parts.path
        for line in self.named(f"{parts.path}?{parts.query}"):
            self.path = line
        if self.path == parts.path:
            raise SystemExit("the multivariant playlist names no media playlist")

    def get(self, path):
        self.connection.request("GET", path)
        return self.connection.getresponse().read()

    def named(self, path):
        return [urllib.parse.urljoin(path, line) for line in self.get(path).decode().splitlines() if line and not line.startswith("#")]

    def segments(self):
        return self.named(self.path)


def listed(playlist, flv, count):
    """Milliseconds from each keyframe that ends a segment to the answer that lists it."""
    media = Playlist(playlist)
    stamps, stop = [], threading.Event()
    reader = threading.Thread(target=keyframes, args=(flv, stamps, stop), daemon=True)
    reader.start()
    seen, late = None, []
    until = time.monotonic() + count * 4 + 20
    while len(late) < count and time.monotonic() < until:
        last = media.segments()
        now = time.monotonic()
        if last and last[-1] != seen:
            if seen is not None:
                # The keyframe that was sent last before the answer.
                time.sleep(0.2)
                late.append((now - max(s for s in stamps if s < now)) * 1000)
            seen = last[-1]
        time.sleep(0.002)
    stop.set()
    if len(late) < count:
        raise SystemExit(f"{len(late)} segments of {count} were listed")
    return late
