"""Starts the feed and stock subscribers as a user starts them: as processes, by their commands."""

from __future__ import annotations

import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

DEADLINE_S = 60.0


def wait_for(condition: Callable[[], object], what: str, seconds: float = DEADLINE_S) -> None:
    """Look again and again until a condition holds; fail with `what` when it does not in time."""
    limit = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > limit:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.02)


def bridge_command(*words: object) -> list[str]:
    return [sys.executable, "-m", "bridge", *map(str, words)]


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended (SIGTERM, then SIGKILL) on the way out."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ready_port(process: subprocess.Popen[bytes], log: Path, skip: int = 0) -> int:
    """The port that a feed announced in its log after the first `skip` bytes."""
    pattern = re.compile(rb"^Ready on port (\d+)", re.MULTILINE)

    def said() -> re.Match[bytes] | None:
        return pattern.search(log.read_bytes()[skip:])

    wait_for(lambda: said() or process.poll() is not None, f"the feed to be ready ({log})")
    found = said()
    assert found is not None, log.read_text()
    return int(found[1])


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to outgoing connections.

    One of these might be taken before somebody listens there: above all by a client that tries to reach it.
    """
    # Not the module's own generator: Hypothesis seeds that, in all test processes alike.
    dice = random.SystemRandom()
    while True:
        port = dice.randrange(12_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def comet_command(port: int, folder: Path, ivo: str) -> list[str]:
    """A stock Comet that saves what it receives under `folder`/received."""
    (folder / "received").mkdir(parents=True, exist_ok=True)
    return [
        str(Path(sys.executable).with_name("twistd")),
        "--nodaemon",
        "--pidfile=",
        "comet",
        f"--local-ivo={ivo}",
        f"--remote=127.0.0.1:{port}",
        "--save-event",
        f"--save-event-directory={folder / 'received'}",
        f"--eventdb={folder}",
    ]


def received_by_comet(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in (folder / "received").iterdir()]


def saved_by_comet(folder: Path) -> int:
    """How many files there are; to be asked often, where reading them would keep Comet from working."""
    return len(list((folder / "received").iterdir()))


class PlainSubscriber(threading.Thread):
    """A VTP subscriber on bare sockets that knows nothing of the project: answers, acknowledges, keeps.

    It reconnects at once whenever the connection ends, until it is stopped.
    """

    def __init__(self, port: int, ivo: str) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.ivo = ivo
        self.events: list[tuple[str, bytes]] = []
        self.connections = 0
        self._stop_asked = threading.Event()

    def stop(self) -> None:
        self._stop_asked.set()
        self.join(5)

    def run(self) -> None:
        while not self._stop_asked.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.port), 2) as peer:
                    peer.settimeout(0.5)
                    self.connections += 1
                    self._listen(peer)
            except OSError:
                self._stop_asked.wait(0.05)

    def _listen(self, peer: socket.socket) -> None:
        buffer = b""
        while not self._stop_asked.is_set():
            try:
                chunk = peer.recv(1 << 16)
            except TimeoutError:
                continue
            if not chunk:
                return
            buffer += chunk
            while len(buffer) >= 4 and len(buffer) >= 4 + (size := struct.unpack(">I", buffer[:4])[0]):
                self._answer(peer, buffer[4 : 4 + size])
                buffer = buffer[4 + size :]

    def _answer(self, peer: socket.socket, message: bytes) -> None:
        event = re.search(rb"""<(?:[\w.-]+:)?VOEvent\s[^>]*?\bivorn\s*=\s*["']([^"']+)""", message)
        if event:
            ivorn = event[1].decode()
            self.events.append((ivorn, message))
            self._send(peer, "ack", ivorn)
        else:
            role = re.search(rb'role="(\w+)"', message)
            origin = re.search(rb"<Origin>([^<]+)</Origin>", message)
            assert role is not None
            assert origin is not None
            self._send(peer, role[1].decode(), origin[1].decode())

    def _send(self, peer: socket.socket, role: str, origin: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        xml = (
            '<trn:Transport xmlns:trn="http://www.telescope-networks.org/xml/Transport/v1.1" '
            f'version="1.0" role="{role}"><Origin>{origin}</Origin><Response>{self.ivo}</Response>'
            f"<TimeStamp>{now}</TimeStamp></trn:Transport>"
        ).encode()
        peer.sendall(struct.pack(">I", len(xml)) + xml)
