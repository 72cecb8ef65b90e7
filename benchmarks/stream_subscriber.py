"""A VTP subscriber as a process of its own: it acknowledges each event and notes when it came.

Run as ``python stream_subscriber.py PORT``; it prints a line per event: Unix time (s), SHA-256, IVORN. It
stands alone on the standard library and knows nothing of the project, and takes no time from who measures.
"""

from __future__ import annotations

import hashlib
import re
import socket
import struct
import sys
import time

IVO = "ivo://subscriber.bench/plain"
PATIENCE_S = 600.0

_EVENT = re.compile(rb'<voe:VOEvent [^>]*ivorn="([^"]+)"')
_ASKED = re.compile(rb'role="(\w+)".*<Origin>([^<]+)</Origin>', re.DOTALL)


def listen(port: int) -> None:
    """Take events until the broker closes the connection."""
    with socket.create_connection(("127.0.0.1", port), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(PATIENCE_S)
        buffer = bytearray()
        while chunk := peer.recv(1 << 18):
            buffer += chunk
            lines, answers = [], []
            while len(buffer) >= 4:
                stop = 4 + struct.unpack_from(">I", buffer)[0]
                if len(buffer) < stop:
                    break
                message = bytes(buffer[4:stop])
                del buffer[:stop]
                event = _EVENT.search(message, 0, 4096)
                if event:
                    digest = hashlib.sha256(message).hexdigest()
                    lines.append(f"{time.time():.6f} {digest} {event[1].decode()}\n")
                    answers.append(_answer("ack", event[1].decode()))
                elif asked := _ASKED.search(message):
                    answers.append(_answer(asked[1].decode(), asked[2].decode()))
            peer.sendall(b"".join(answers))
            sys.stdout.write("".join(lines))
            sys.stdout.flush()


def _answer(role: str, origin: str) -> bytes:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    xml = (
        '<trn:Transport xmlns:trn="http://www.telescope-networks.org/xml/Transport/v1.1" '
        f'version="1.0" role="{role}"><Origin>{origin}</Origin><Response>{IVO}</Response>'
        f"<TimeStamp>{stamp}</TimeStamp></trn:Transport>"
    ).encode()
    return struct.pack(">I", len(xml)) + xml


if __name__ == "__main__":
    listen(int(sys.argv[1]))
