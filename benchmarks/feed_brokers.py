"""The two brokers that the feed's benchmark compares, as processes started as a user starts them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["Broker", "comet", "fast_dbm", "ours"]

PATIENCE_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")
# As Python looks for them (dbm.open), but for the last, which stands for having none of them.
_DATABASES = ("dbm.gnu", "dbm.ndbm", "dbm.sqlite3", "dbm.dumb")


class Broker:
    """A running broker.

    Parameters
    ----------
    command
        How it is started.
    folder
        Where it runs, and where its log is.
    ports
        Finds the ports for subscribers and for authors in its log; None until they are open.
    """

    def __init__(
        self,
        command: list[str],
        folder: Path,
        ports: Callable[[str], tuple[int, int] | None],
        **environment: str,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.log = folder / "broker.log"
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, env=os.environ | environment
            )
        try:
            self.port, self.receive_port = self._wait_for(ports)
        except BaseException:
            self.stop()
            raise

    def _wait_for(self, ports: Callable[[str], tuple[int, int] | None]) -> tuple[int, int]:
        give_up_at = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_at:
            found = ports(self.log.read_text(errors="replace"))
            if found:
                return found
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"a broker did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    @property
    def cpu_s(self) -> float:
        """CPU seconds that the process has used, in user and in system mode (Linux)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def resident_kb(self) -> int:
        """Memory of the process that is in use (Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)


def ours(folder: Path, *flags: str) -> Broker:
    """``voevent-bridge serve`` with a receiver, on free ports, fed from the folder ``in``."""
    (folder / "in").mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "bridge", "serve", "--from", "in", "--journal", "journal"]
    command += ["--local-ivo", "ivo://org.example/broker", "--interface", "127.0.0.1"]
    command += ["--broadcast", "0", "--receive", "0", *flags]

    def ports(log: str) -> tuple[int, int] | None:
        serving = re.search(r"serving subscribers on port (\d+)", log)
        receiving = re.search(r"receiving authors on port (\d+)", log)
        return (int(serving[1]), int(receiving[1])) if serving and receiving else None

    top = str(Path(__file__).resolve().parent.parent)
    return Broker(command, folder, ports, PYTHONPATH=top)


def comet(folder: Path, upstream_port: int) -> Broker:
    """Released Comet with both its roles, subscribed to a broker on a local port."""
    port, receive_port = _free_port(), _free_port()
    python, _ = fast_dbm()
    command = [python, "-c", "from twisted.scripts.twistd import run; run()", "-n", "--pidfile=", "comet"]
    command += ["--local-ivo=ivo://org.example/comet", "--eventdb=eventdb", "--broadcast-test-interval=0"]
    command += ["--broadcast", f"--broadcast-port={port}", "--receive", f"--receive-port={receive_port}"]
    command += [f"--remote=127.0.0.1:{upstream_port}"]

    def ports(_log: str) -> tuple[int, int] | None:
        return (port, receive_port) if _is_open(port) and _is_open(receive_port) else None

    return Broker(command, folder, ports, PYTHONPATH=sysconfig.get_path("platlib"))


def fast_dbm() -> tuple[str, str]:
    """A Python of this version with the fastest database for Comet's events: its path, and the database.

    Many builds of Python have ``dbm.dumb`` only, which writes its whole index for every event.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    candidates = [sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin") or sys.executable]
    found = {}
    for python in candidates:
        for database in _DATABASES:
            if not subprocess.run([python, "-c", f"import {database}"], capture_output=True).returncode:
                found.setdefault(database, python)
    best = min(found, key=_DATABASES.index)
    return found[best], best


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
