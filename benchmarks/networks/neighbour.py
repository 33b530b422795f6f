"""Somebody else's download on the same link: one connection with cubic, whatever the namespace has.

    neighbour.py send ADDRESS                             says its port, and sends to whoever connects
    neighbour.py receive ADDRESS PORT WARM SECONDS        Mbit/s after the warming up
"""
import socket
import sys
import threading
import time

TCP_CONGESTION = 13


def send(address):
    listener = socket.create_server((address, 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, b"cubic")
        threading.Thread(target=pour, args=(connection,), daemon=True).start()


def pour(connection):
    piece = bytes(65536)
    try:
        while True:
            connection.sendall(piece)
    except OSError:
        connection.close()


def receive(address, port, warm, seconds):
    connection = socket.create_connection((address, port))
    began = time.monotonic()
    counted = 0
    while (at := time.monotonic() - began) < warm + seconds:
        connection.settimeout(max(0.01, warm + seconds - at))
        try:
            got = len(connection.recv(65536))
        except TimeoutError:
            break
        if at >= warm:
            counted += got
    print(counted * 8 / seconds / 1e6)


if sys.argv[1] == "send":
    send(sys.argv[2])
else:
    receive(sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
