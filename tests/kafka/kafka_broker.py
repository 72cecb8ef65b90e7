"""A real Apache Kafka broker on this machine: one process as broker and controller, on free loopback ports.

``make kafka`` starts one for a person; the tests share one, and those that stop and start a broker have one
of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from kafka_config import GUEST, LISTENERS, PASSWORD, USER, make_certificates, server_properties
from kafka_jars import UnavailableError, fetch_jars

__all__ = ["Broker", "UnavailableError"]

DEADLINE_S = 60.0
HEAP = ("-Xms192m", "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
CLUSTER_ID = "dm9ldmVudC1icmlkZ2UhIQ"
LOGGING = """\
<Configuration status="warn">
  <Appenders><Console name="out"><PatternLayout pattern="%d %p %c{1}: %m%n"/></Console></Appenders>
  <Loggers><Root level="warn"><AppenderRef ref="out"/></Root></Loggers>
</Configuration>
"""


@dataclass
class Broker:
    """A broker with its folder; as a context manager it runs while the context lasts.

    Parameters
    ----------
    folder
        Its configuration, certificates, log and data; made if it is not there.
    ports
        Where it listens; chosen when it starts.
    makes_topics
        Make a topic when something is sent to it.
    favourite_port
        Where it listens without authentication, if nobody else does.
    """

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)
    makes_topics: bool = False
    favourite_port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def bootstrap(self) -> str:
        """Host and port without authentication."""
        return self.address("PLAIN")

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def address(self, listener: str) -> str:
        """Host and port of one of `LISTENERS`."""
        return f"127.0.0.1:{self.ports[listener]}"

    def prepare(self) -> None:
        """Make the configuration and format the storage."""
        jars = fetch_jars()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = _free_ports(self.favourite_port)
        make_certificates(self.folder)
        (self.folder / "log4j2.xml").write_text(LOGGING)
        properties = server_properties(self.folder, self.ports, makes_topics=self.makes_topics)
        (self.folder / "server.properties").write_text(properties)
        tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID]
        for name in (USER, GUEST):
            tool += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={PASSWORD}]"]
        command = [*self._java(jars), *tool, "-c", str(self.folder / "server.properties")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        if done.returncode:
            raise RuntimeError(f"the broker's storage cannot be formatted: {done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the process and wait until it answers."""
        command = [*self._java(fetch_jars()), "kafka.Kafka", str(self.folder / "server.properties")]
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        limit = time.monotonic() + DEADLINE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > limit:
                self.stop()
                tail = (self.folder / "broker.log").read_text()[-2000:]
                raise RuntimeError(f"the broker has not come up: {tail}")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process; SIGKILL leaves it no time to tell anybody."""
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        for attempt in range(3):
            try:
                self.prepare()
                self.start()
                break
            except RuntimeError:
                # A port that was free has been taken meanwhile.
                if attempt == 2:
                    raise
                shutil.rmtree(self.folder)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _java(self, jars: Path) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.xml'}"
        return ["java", *HEAP, logging, "-cp", f"{jars}/*"]

    def _answers(self) -> bool:
        try:
            client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
            return bool(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


def _free_ports(favourite: int = 0) -> dict[str, int]:
    probes = {}
    if favourite:
        with contextlib.suppress(OSError):
            probes["PLAIN"] = socket.create_server(("127.0.0.1", favourite))
    probes |= {name: socket.create_server(("127.0.0.1", 0)) for name in LISTENERS if name not in probes}
    ports = {name: int(probe.getsockname()[1]) for name, probe in probes.items()}
    for probe in probes.values():
        probe.close()
    return ports


def keep_while_used(folder: Path) -> None:
    """Run a broker for the processes that hold a shared lock on ``folder/users``, to the end of the last.

    The lock goes with its process, however that ends, so no broker is left behind.
    """
    with Broker(folder / "broker") as broker, (folder / "users").open("w") as users:
        fresh = folder / "state.tmp"
        fresh.write_text(json.dumps(broker.ports))
        fresh.replace(folder / "state.json")
        # The process that has started us holds its lock by now: it waits for the state.
        fcntl.flock(users, fcntl.LOCK_EX)
        (folder / "state.json").unlink()


def run_for_a_person() -> None:
    """Start a broker, say what can be done with it, and stop it at Ctrl-C."""
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        print("Starting Apache Kafka ...", flush=True)
        with Broker(Path(folder) / "broker", makes_topics=True, favourite_port=9092) as broker:
            port = broker.ports["PLAIN"]
            place = f"kafka://localhost:{port}" if port != 9092 else "kafka://localhost"
            print(
                f"A Kafka broker is at localhost:{port}; its data go when it ends. In another terminal:\n\n"
                f"  . .venv/bin/activate\n"
                f"  voevent-bridge simulate ztf --alerts 200 -o alerts/\n"
                f"  voevent-bridge produce alerts/ --to {place}/ztf\n"
                f"  voevent-bridge serve --from {place}/ztf --start earliest\n\n"
                f"With password (SCRAM): {broker.address('SCRAM')}, user {USER}, password {PASSWORD};\n"
                f"the same with TLS: {broker.address('SCRAMTLS')}, authority {broker.ca_file}.\n"
                "Ctrl-C ends it.",
                flush=True,
            )
            assert broker.process is not None
            try:
                broker.process.wait()
            except KeyboardInterrupt:
                print("\nStopping ...")


def _end(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Also as a background job of a shell, which would ignore Ctrl-C: the broker must not outlive us.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    try:
        if len(sys.argv) > 1:
            keep_while_used(Path(sys.argv[1]))
        else:
            run_for_a_person()
    except KeyboardInterrupt:
        pass
    except UnavailableError as problem:
        sys.exit(f"No broker can be started: {problem}.")
