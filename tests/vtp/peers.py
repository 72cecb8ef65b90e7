"""Processes that the broadcaster's tests talk to: our server, released Comet, released pygcn.

Each is started as a user starts it, in a folder of its own, and ended by the test that started it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lxml import etree

HERE = Path(__file__).parent
PROJECT = HERE.parent.parent


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 15.0) -> Any:
    """Poll until something is true; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain for: {what}")


def real_events(shared_data: Path, count: int) -> list[tuple[str, bytes]]:
    """Real VOEvents of version 2.0 out of the sample, spread over all its streams: (ivorn, bytes)."""
    found = []
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        for member in members[:: max(1, len(members) // (count + count // 8))]:
            handle = archive.extractfile(member)
            assert handle is not None
            data = handle.read()
            found.append((str(etree.fromstring(data).get("ivorn")), data))
    return found[:count]


def synthetic_event(
    number: int | str, padding: int = 0, stream: str = "ivo://org.example/synthetic"
) -> tuple[str, bytes]:
    """A small valid VOEvent: (ivorn, bytes)."""
    ivorn = f"{stream}#{number}"
    text = (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test" '
        f'ivorn="{ivorn}"><Who><AuthorIVORN>ivo://org.example/author</AuthorIVORN></Who>'
        f'<What><Param name="number" value="{number}"/><Description>é{"x" * padding}</Description></What>'
        "</voe:VOEvent>\n"
    )
    return ivorn, text.encode()


class Server:
    """Our broadcaster in its own process."""

    def __init__(self, folder: Path, port: int = 0, **settings: Any) -> None:
        self.journal = folder / "journal"
        self.log = (folder / "server.log").open("ab")
        settings.setdefault("local_ivo", "ivo://org.example/broker")
        environment = os.environ | {"PYTHONPATH": str(PROJECT)}
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(HERE / "serve_journal.py"),
                str(self.journal),
                json.dumps(settings),
                str(port),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
        )
        self.port = int(self._answer()["port"])

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, Path(self.log.name).read_text()
        return dict(json.loads(line))

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
        self.process.stdin.flush()
        return self._answer()

    def append(self, events: list[tuple[str, bytes]]) -> int:
        batch = [(ivorn, base64.b64encode(data).decode()) for ivorn, data in events]
        return int(self.ask("append", events=batch)["last_seq"])

    def status(self) -> dict[str, Any]:
        return self.ask("status")

    def subscribers(self) -> list[dict[str, Any]]:
        return list(self.status()["subscribers"])

    def stop(self) -> None:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(10)
        self.log.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextmanager
def serving(folder: Path, **settings: Any) -> Iterator[Server]:
    server = Server(folder, **settings)
    try:
        yield server
    finally:
        server.stop()
        if server.process.poll() is None:
            server.kill()


@contextmanager
def running_in(command: list[str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


class Comet:
    """Released Comet's folder of saved events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def saved(self) -> dict[str, bytes]:
        return (
            {path.name: path.read_bytes() for path in self.folder.iterdir()} if self.folder.is_dir() else {}
        )


@contextmanager
def comet(folder: Path, port: int, ivo: str, *filters: str) -> Iterator[Comet]:
    """Comet 3 subscribed to a local port, as ``twistd`` starts it."""
    folder.mkdir(exist_ok=True)
    command = [
        str(Path(sys.executable).with_name("twistd")),
        "-n",
        f"--pidfile={folder / 'pid'}",
        "comet",
        f"--local-ivo={ivo}",
        f"--remote=127.0.0.1:{port}",
        "--save-event",
        f"--save-event-directory={folder / 'saved'}",
        f"--eventdb={folder / 'eventdb'}",
        *(f"--filter={text}" for text in filters),
    ]
    with running_in(command, folder, folder / "comet.log"):
        yield Comet(folder / "saved")


def comet_name(ivorn: str) -> str:
    """File name under which Comet saves an event."""
    return re.sub(r"[^A-Za-z0-9_.]", "", ivorn.replace("/", "_"))


@contextmanager
def pygcn(folder: Path, port: int) -> Iterator[Path]:
    """Released pygcn listening to a local port; gives the folder of packets."""
    folder.mkdir(exist_ok=True)
    packets = folder / "packets"
    packets.mkdir(exist_ok=True)
    command = [sys.executable, str(HERE / "receive_with_pygcn.py"), str(packets), str(port)]
    with running_in(command, folder, folder / "pygcn.log"):
        yield packets


class RawPeer:
    """A socket that speaks VTP only as far as a test tells it to."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))

    def frame(self) -> bytes:
        (length,) = struct.unpack(">I", self._exactly(4))
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def send(self, payload: bytes) -> None:
        self.socket.sendall(struct.pack(">I", len(payload)) + payload)

    def close(self) -> None:
        self.socket.close()
