"""Who understands whom: every broker with every subscriber, every author with every receiver, as processes.

Brokers are ours and released Comet; subscribers are ours, released Comet and released pygcn; authors are ours
and Comet's sender. All real events of the sample go through each pair (a part, where both are Comet's: author
and receiver), and are compared byte for byte where they arrive. Comet as a broker is slow: it has minutes.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from processes import bridge_command, free_port, ready_port, running, wait_for

from bridge.client.submit import Submitted, submit
from bridge.errors import PacketError
from bridge.journal import JournalReader
from bridge.voevent.acceptance import examine
from tests.vtp.peers import comet_name, running_in
from tests.vtp.test_interop import COMET_IVO

pytestmark = [pytest.mark.interop, pytest.mark.slow, pytest.mark.no_cover, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
TWISTD, SENDVO = (str(Path(sys.executable).with_name(name)) for name in ("twistd", "comet-sendvo"))
MINUTES = 240.0
FEW = 9
"""Comet drops who owes it ten answers at its tick of a minute, and does not send again what was missed."""


@pytest.fixture(scope="module")
def sample(shared_data: Path) -> list[bytes]:
    """All 3,421 real events."""
    found = []
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member) if member.isfile() else None
            if handle is not None:
                found.append(handle.read())
    assert len(found) == 3421
    return found


def valid(events: list[bytes]) -> list[bytes]:
    """Those that a receiver takes; tests/voevent/test_acceptance.py holds this against Comet's validators."""

    def taken(data: bytes) -> bool:
        try:
            examine(data)
        except PacketError:
            return False
        return True

    return [data for data in events if taken(data)]


def comet_command(folder: Path, *words: str) -> list[str]:
    (folder / "saved").mkdir(parents=True)
    return [
        *(TWISTD, "--nodaemon", "--pidfile=", "comet", f"--eventdb={folder}", "--broadcast-test-interval=0"),
        *("--save-event", f"--save-event-directory={folder / 'saved'}"),
        *words,
    ]


def accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Listeners:
    """Our subscriber, Comet and pygcn, each in a process of its own, at one broker."""

    def __init__(self, folder: Path) -> None:
        self.folders = {
            "ours": folder / "ours",
            "comet": folder / "comet" / "saved",
            "pygcn": folder / "pygcn",
        }

    def count(self) -> dict[str, int]:
        return {
            name: sum(entry.name.endswith(".xml") or name == "comet" for entry in os.scandir(folder))
            for name, folder in self.folders.items()
        }

    def wait_for(self, count: int) -> None:
        wait_for(
            lambda: min(self.count().values()) >= count, f"{count} events at each ({self.count()})", MINUTES
        )

    def packets(self, name: str) -> list[bytes]:
        return sorted(
            path.read_bytes() for path in self.folders[name].iterdir() if not path.name.startswith(".")
        )


@contextmanager
def listening(folder: Path, port: int) -> Iterator[Listeners]:
    listeners = Listeners(folder)
    for name in ("ours", "pygcn"):
        listeners.folders[name].mkdir()
    commands = {
        "ours": bridge_command(
            *(
                "subscribe",
                f"127.0.0.1:{port}",
                "-o",
                listeners.folders["ours"],
                "--local-ivo",
                "ivo://org.example/ours",
            )
        ),
        "comet": comet_command(folder / "comet", f"--local-ivo={COMET_IVO}", f"--remote=127.0.0.1:{port}"),
        "pygcn": [
            sys.executable,
            str(HERE / "receive_with_pygcn.py"),
            str(listeners.folders["pygcn"]),
            str(port),
        ],
    }
    with ExitStack() as stack:
        stack.enter_context(running(commands.pop("ours"), folder / "ours.log"))
        for name, command in commands.items():
            # Comet leaves lock files where it is started.
            home = folder / f"home of {name}"
            home.mkdir()
            stack.enter_context(running_in(command, home, folder / f"{name}.log"))
        yield listeners


def test_all_subscribers_of_our_broker_get_every_real_event(
    tmp_path: Path, shared_data: Path, sample: list[bytes]
) -> None:
    pytest.importorskip("gcn", reason="pygcn is not installed")
    source = shared_data / "voevents" / "sample-2014-2016.tar.gz"
    command = bridge_command(
        *(
            "serve",
            "--from",
            source,
            "--journal",
            tmp_path / "j",
            "--broadcast",
            0,
            "--interface",
            "127.0.0.1",
        ),
        *("--newcomers", "start"),
    )
    with running(command, tmp_path / "log") as process:
        port = ready_port(process, tmp_path / "log")
        with listening(tmp_path, port) as listeners:
            listeners.wait_for(3421)
    for name in ("ours", "comet", "pygcn"):
        assert listeners.packets(name) == sorted(sample), name


def test_our_author_and_all_subscribers_of_comet(tmp_path: Path, sample: list[bytes]) -> None:
    pytest.importorskip("gcn", reason="pygcn is not installed")
    receive, broadcast = free_port(), free_port()
    words = (
        *("--local-ivo=ivo://org.example/broker", "--receive", f"--receive-port={receive}"),
        *("--broadcast", f"--broadcast-port={broadcast}"),
    )
    log = tmp_path / "broker.log"
    with running_in(comet_command(tmp_path / "broker", *words), tmp_path / "broker", log):
        wait_for(lambda: accepts(receive) and accepts(broadcast), "Comet's ports")
        with listening(tmp_path, broadcast) as listeners:
            wait_for(
                lambda: log.read_bytes().count(b"New subscriber") == 4,
                "three subscribers at Comet, and the probe",
            )
            taken = set(valid(sample))
            arrived = 0
            for start in range(0, len(sample), FEW):
                some = sample[start : start + FEW]
                told = list(submit(some, f"127.0.0.1:{receive}", timeout_s=60, one_by_one=True))
                assert outcomes(some, told) == {data: data in taken for data in some}
                arrived += len(taken & set(some))
                listeners.wait_for(arrived)
    assert len(taken) == 3394
    for name in ("ours", "comet", "pygcn"):
        assert listeners.packets(name) == sorted(taken), name


def outcomes(events: list[bytes], told: list[Submitted]) -> dict[bytes, bool]:
    assert {each.outcome for each in told} <= {"accepted", "refused"}
    return {events[each.index]: each.outcome == "accepted" for each in told}


@contextmanager
def our_receiver(folder: Path) -> Iterator[int]:
    receive = free_port()
    command = bridge_command(
        *(
            "serve",
            "--receive",
            receive,
            "--journal",
            folder / "j",
            "--broadcast",
            0,
            "--interface",
            "127.0.0.1",
        )
    )
    with running(command, folder / "log") as process:
        ready_port(process, folder / "log")
        yield receive


def journalled(folder: Path) -> list[bytes]:
    with JournalReader.open(folder / "j") as journal:
        return sorted(entry.data for entry in journal.read(0, 10_000, max_bytes=1 << 30))


def test_our_author_at_our_receiver(tmp_path: Path, sample: list[bytes]) -> None:
    taken = valid(sample)
    with our_receiver(tmp_path) as port:
        for one_by_one in (None, True):
            told = list(submit(sample, f"127.0.0.1:{port}", one_by_one=one_by_one))
            if one_by_one is None:
                assert outcomes(sample, told) == {data: data in set(taken) for data in sample}
            else:
                assert {each.outcome for each in told} == {"refused"}, "all of it was seen before"
    assert journalled(tmp_path) == sorted(taken)


def send_with_comet(folder: Path, port: int, events: list[bytes]) -> dict[bytes, bool]:
    """All events by Comet's sender in one process, but a few by ``comet-sendvo``: it takes a second each."""
    packets = folder / "packets"
    packets.mkdir()
    few, many = events[::700], [data for place, data in enumerate(events) if place % 700]
    found = {}
    for place, data in enumerate(few):
        path = folder / f"{place}.xml"
        path.write_bytes(data)
        command = [SENDVO, "--host=127.0.0.1", f"--port={port}", f"--file={path}"]
        found[data] = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    names = {}
    for place, data in enumerate(many):
        path = packets / f"{place:05d}.xml"
        path.write_bytes(data)
        names[path.name] = data
    command = [sys.executable, str(HERE / "send_with_comet.py"), str(packets), str(port)]
    done = subprocess.run(command, capture_output=True, timeout=MINUTES, check=True)
    for line in done.stdout.splitlines():
        told = json.loads(line)
        found[names[told["file"]]] = told["acknowledged"]
    return found


def test_comets_author_at_our_receiver(tmp_path: Path, sample: list[bytes]) -> None:
    taken = valid(sample)
    with our_receiver(tmp_path) as port:
        assert send_with_comet(tmp_path, port, sample) == {data: data in set(taken) for data in sample}
    assert journalled(tmp_path) == sorted(taken)


def test_comets_author_at_comets_receiver(tmp_path: Path, sample: list[bytes]) -> None:
    """The cell without us: what the others are measured by. Every fifth event, for it is slow."""
    port, some = free_port(), sample[::5]
    words = ("--local-ivo=ivo://org.example/broker", "--receive", f"--receive-port={port}")
    log = tmp_path / "broker.log"
    with running_in(comet_command(tmp_path / "broker", *words), tmp_path / "broker", log):
        wait_for(lambda: accepts(port), "Comet's port")
        taken = valid(some)
        assert send_with_comet(tmp_path, port, some) == {data: data in set(taken) for data in some}
    saved = {path.name: path.read_bytes() for path in (tmp_path / "broker" / "saved").iterdir()}
    assert saved == {comet_name(examine(data).ivorn): data for data in taken}
