#!/usr/bin/env python3
"""Raw pictures, each with the time at which it was drawn: 44 blocks, black or white, of the milliseconds since 1970, and their parity.

clock.py RATE [SECONDS]      320x180, yuv420p, to its output, in real time
"""
import sys
import time

WIDTH, HEIGHT, BLOCK, BITS = 320, 180, 16, 44
ACROSS = WIDTH // BLOCK
BLACK, WHITE, GREY = (bytes([value]) * BLOCK for value in (16, 235, 128))


def row(cells):
    return b"".join(cells).ljust(WIDTH, bytes([128])) * BLOCK


def picture(now, number):
    bits = [now >> (BITS - 1 - i) & 1 for i in range(BITS)]
    bits.append(sum(bits) & 1)
    cells = [WHITE if bit else BLACK for bit in bits]
    luma = b"".join(row(cells[i:i + ACROSS]) for i in range(0, len(cells), ACROSS))
    # Something moves below, or an encoder has nothing to do.
    moving = bytearray(bytes([60]) * WIDTH)
    at = number * 7 % (WIDTH - 40)
    moving[at:at + 40] = bytes([200]) * 40
    return luma + bytes(moving) * (HEIGHT - len(luma) // WIDTH) + bytes([128]) * (WIDTH * HEIGHT // 2)


def main():
    rate, seconds = float(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 1e9
    begin, number = time.time(), 0
    while number / rate < seconds:
        wait = begin + number / rate - time.time()
        if wait > 0:
            time.sleep(wait)
        try:
            sys.stdout.buffer.write(picture(int(time.time() * 1000), number))
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            return
        number += 1


main()
