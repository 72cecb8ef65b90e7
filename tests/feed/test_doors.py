"""The doors of a running feed: TLS, client certificates, networks, proxies, counts; with real sockets."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from certificates import Authority
from processes import bridge_command, ready_port, running, wait_for

from bridge.errors import ConfigError
from bridge.feed import load_config
from tests.vtp.peers import synthetic_event

IVORN, EVENT = synthetic_event(1)


@contextmanager
def feed(folder: Path, config: str) -> Iterator[tuple[int, Path]]:
    """A feed that serves one event from a folder; its port and its log."""
    folder.mkdir()
    (folder / "in").mkdir()
    (folder / "in" / "event.xml").write_bytes(EVENT)
    file, log = folder / "feed.toml", folder / "log"
    file.write_text(
        '[feed]\nfrom = "in"\n[journal]\nfile = "journal.sqlite"\n'
        f'[broadcast]\nport = 0\ninterface = "127.0.0.1"\nnewcomers = "start"\ntest_interval = "0s"\n{config}'
    )
    with running(bridge_command("serve", file), log) as process:
        yield ready_port(process, log), log


def read_frame(wire: socket.socket) -> bytes:
    """The next message; empty where the connection is closed instead."""
    head = b""
    while len(head) < 4:
        piece = wire.recv(4 - len(head))
        if not piece:
            return b""
        head += piece
    data = b""
    (length,) = struct.unpack("!I", head)
    while len(data) < length:
        piece = wire.recv(length - len(data))
        if not piece:
            return b""
        data += piece
    return data


def first_messages(wire: socket.socket) -> tuple[bytes, bytes]:
    wire.settimeout(20)
    greeting = read_frame(wire)
    return greeting, read_frame(wire) if greeting else b""


def closed_unheard(wire: socket.socket) -> bool:
    wire.settimeout(20)
    try:
        return read_frame(wire) == b""
    except ConnectionResetError:
        return True


def test_subscribers_are_served_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.issue("server", "localhost")
    with feed(tmp_path / "feed", f'tls_certificate = "{server}"\n') as (port, _):
        context = ssl.create_default_context(cafile=authority.file)
        with (
            socket.create_connection(("127.0.0.1", port), 20) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as wire,
        ):
            greeting, event = first_messages(wire)
            assert b"authenticate" in greeting
            assert event == EVENT
        with socket.create_connection(("127.0.0.1", port), 20) as plain:
            plain.sendall(b"\0\0\0\4abcd")
            assert b"authenticate" not in plain.recv(1000)


def test_clients_prove_themselves_where_that_is_asked(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    stranger = Authority(tmp_path, "stranger")
    server, client = authority.issue("server", "localhost"), authority.issue("client")
    config = f'tls_certificate = "{server}"\ntls_client_ca = "{authority.file}"\n'
    with feed(tmp_path / "feed", config) as (port, _):

        def greeting(own: Path | None) -> bytes:
            context = ssl.create_default_context(cafile=authority.file)
            if own is not None:
                context.load_cert_chain(own)
            with (
                socket.create_connection(("127.0.0.1", port), 20) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as wire,
            ):
                return first_messages(wire)[0]

        assert b"authenticate" in greeting(client)
        for other in (None, stranger.issue("other")):
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                greeting(other)


def test_a_feed_relays_from_an_upstream_over_tls_and_trusts_no_other(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    server = authority.issue("server", "localhost")
    with feed(tmp_path / "up", f'tls_certificate = "{server}"\n') as (port, _):
        for name, trusted, relayed in (("down", authority, True), ("wary", stranger, False)):
            folder = tmp_path / name
            folder.mkdir()
            file, log = folder / "feed.toml", folder / "log"
            file.write_text(
                '[journal]\nfile = "j.sqlite"\n'
                '[broadcast]\nport = 0\nnewcomers = "start"\ntest_interval = "0s"\n'
                f'[[upstream]]\nhost = "localhost:{port}"\ntls_ca = "{trusted.file}"\nsince = "1h"\n'
            )
            with running(bridge_command("serve", file), log) as process:
                own = ready_port(process, log)
                with socket.create_connection(("127.0.0.1", own), 20) as wire:
                    if relayed:
                        assert first_messages(wire)[1] == EVENT
                    else:
                        wait_for(
                            lambda log=log: b"certificate verify failed" in log.read_bytes(), "the refusal"
                        )


def test_networks_are_let_in_or_kept_out(tmp_path: Path) -> None:
    with feed(tmp_path / "feed", 'allow = ["127.0.0.2", "192.0.2.0/24"]\n') as (port, log):
        with socket.create_connection(("127.0.0.1", port), 20, ("127.0.0.1", 0)) as wire:
            assert closed_unheard(wire)
        with socket.create_connection(("127.0.0.1", port), 20, ("127.0.0.2", 0)) as wire:
            assert first_messages(wire)[1] == EVENT
        assert b"of subscribers, 127.0.0.1 is not on the list of those let in" in log.read_bytes()


def test_a_proxy_says_who_connects_and_nobody_else_may(tmp_path: Path) -> None:
    config = 'proxies = ["127.0.0.9"]\ndeny = ["203.0.113.7"]\n'
    with feed(tmp_path / "feed", config) as (port, log):

        def through(header: bytes, source: str = "127.0.0.9") -> socket.socket:
            wire = socket.create_connection(("127.0.0.1", port), 20, (source, 0))
            wire.sendall(header)
            return wire

        with through(b"PROXY TCP4 198.51.100.4 192.0.2.1 5000 8099\r\n") as wire:
            assert first_messages(wire)[1] == EVENT
        wait_for(lambda: b"subscriber 198.51.100.4:5000 has gone" in log.read_bytes(), "the log to name it")
        with through(b"PROXY TCP4 203.0.113.7 192.0.2.1 5000 8099\r\n") as wire:
            assert closed_unheard(wire)
        with through(b"\0\0\0\4abcd") as wire:
            assert closed_unheard(wire)
        # Who is no proxy is who it is, and its header is but noise: a frame longer than any message.
        with through(b"PROXY TCP4 198.51.100.4 192.0.2.1 5000 8099\r\n", "127.0.0.1") as wire:
            wait_for(lambda: b"subscriber 127.0.0.1:" in log.read_bytes(), "the log to name who it is")
        assert log.read_bytes().count(b"subscriber 198.51.100.4:5000 connects") == 1


def test_connections_are_counted_by_address(tmp_path: Path) -> None:
    with feed(tmp_path / "feed", "max_per_address = 3\n") as (port, _):
        wires = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(3)]
        assert all(first_messages(wire)[0] for wire in wires)
        with socket.create_connection(("127.0.0.1", port), 20) as fourth:
            assert closed_unheard(fourth)
        with socket.create_connection(("127.0.0.1", port), 20, ("127.0.0.5", 0)) as other:
            assert first_messages(other)[0]
        wires.pop().close()

        def room() -> bool:
            with socket.create_connection(("127.0.0.1", port), 20) as again:
                return not closed_unheard(again)

        wait_for(room, "room after one has gone")
        for wire in wires:
            wire.close()


def test_an_author_that_sends_too_fast_is_read_at_its_rate(tmp_path: Path) -> None:
    """Five a second after a burst of fifty: the seventieth answer comes four seconds later, and all come."""
    with feed(tmp_path / "feed", "[receive]\nport = 0\nmax_rate = 5\n") as (_, log):
        port = int(log.read_bytes().split(b"receiving authors on port ")[1].split(b",")[0])
        with socket.create_connection(("127.0.0.1", port), 20) as wire:
            wire.settimeout(30)
            events = [synthetic_event(number)[1] for number in range(100, 170)]
            began = time.monotonic()
            # One frame at a time, so that not all are in the first chunk that is read.
            answers = 0
            for event in events:
                wire.sendall(struct.pack("!I", len(event)) + event)
                assert b'role="ack"' in read_frame(wire)
                answers += 1
            assert answers == 70
            assert time.monotonic() - began > 3.0


def test_doors_are_renewed_while_subscribers_stay(tmp_path: Path) -> None:
    """A list of networks and a certificate that were changed hold after SIGHUP; who is inside stays there."""
    authority = Authority(tmp_path)
    server = authority.issue("server", "localhost")
    folder, log = tmp_path / "feed", tmp_path / "feed" / "log"
    folder.mkdir()
    file = folder / "feed.toml"

    def write(rules: str) -> None:
        file.write_text(
            '[journal]\nfile = "j.sqlite"\n[broadcast]\nport = 0\ninterface = "127.0.0.1"\n'
            f'test_interval = "0s"\n{rules}'
        )

    context = ssl.create_default_context(cafile=authority.file)

    def connect(port: int) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", port), 20)
        plain.settimeout(20)
        return context.wrap_socket(plain, server_hostname="localhost")

    def serial(wire: ssl.SSLSocket) -> object:
        found = wire.getpeercert()
        assert found
        return found["serialNumber"]

    write(f'tls_certificate = "{server}"\n')
    with running(bridge_command("serve", file), log) as process:
        port = ready_port(process, log)
        with connect(port) as first:
            assert b"authenticate" in read_frame(first)
            old = serial(first)
            authority.issue("server", "localhost")
            write(f'tls_certificate = "{server}"\nmax_per_address = 2\n')
            process.send_signal(signal.SIGHUP)
            wait_for(lambda: b"new are broadcast.max_per_address" in log.read_bytes(), "the new rules")
            with connect(port) as second:
                assert serial(second) != old
                assert b"authenticate" in read_frame(second)
                with pytest.raises((OSError, ssl.SSLError)):
                    connect(port)
            write("")
            process.send_signal(signal.SIGHUP)
            wait_for(
                lambda: b"Whether [broadcast] speaks TLS cannot change" in log.read_bytes(), "the refusal"
            )
            first.settimeout(0.3)
            with pytest.raises(TimeoutError):
                first.recv(1)


MISTAKES = [
    ('[broadcast]\nallow = ["example.org"]', "broadcast.allow: 'example.org' is no network"),
    ("[receive]\nport = 1\nmax_per_address = 0", "max_per_address is 0"),
    ('[broadcast]\ntls_key = "x.pem"', r"\[broadcast\] has tls_key and no tls_certificate"),
    ('[[upstream]]\nhost = "a"\ntls = false\ntls_ca = "x"', "has tls_ca, and tls is false"),
    ('[[upstream]]\nhost = "a"\ntls_key = "x"', "has tls_key and no tls_certificate"),
    ("[receive]\nport = 1\nmax_rate = -1", "max_rate"),
]


@pytest.mark.parametrize(("config", "said"), MISTAKES)
def test_mistakes_in_the_configuration_are_told(tmp_path: Path, config: str, said: str) -> None:
    file = tmp_path / "feed.toml"
    file.write_text(config)
    with pytest.raises(ConfigError, match=said):
        load_config(file, {})


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("nowhere.pem", b"cannot be read"),
        ("feed.toml", b"holds no certificate"),
        ("authority.pem", b"no private key"),
    ],
)
def test_certificates_that_cannot_be_used_end_the_start(
    tmp_path: Path, certificate: str, said: bytes
) -> None:
    Authority(tmp_path)
    (tmp_path / "feed.toml").write_text(
        f'[journal]\nfile = "j.sqlite"\n[broadcast]\nport = 0\ntls_certificate = "{certificate}"\n'
    )
    done = subprocess.run(
        bridge_command("serve", tmp_path / "feed.toml"), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


def visit(port: int, context: ssl.SSLContext | None = None) -> dict | None:
    """What the HTTP port tells of the feed; None where the connection is closed instead."""
    url = f"{'http' if context is None else 'https'}://localhost:{port}/status"
    try:
        with urllib.request.urlopen(url, timeout=30, context=context) as answer:
            return json.loads(answer.read())
    except (http.client.HTTPException, OSError):
        return None


def test_the_web_page_has_a_door_of_its_own_that_is_renewed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.issue("server", "localhost")
    config = f'[http]\nport = 0\ntls_certificate = "{server}"\nmax_per_address = 1\n'
    with feed(tmp_path / "feed", config) as (_, log):
        (port,) = map(int, re.findall(r"telling how it is on https://127.0.0.1:(\d+)", log.read_text()))
        context = ssl.create_default_context(cafile=authority.file)
        assert visit(port) is None, "without TLS nobody is heard"
        # Who has left makes room, over and over.
        for _ in range(5):
            wait_for(lambda: visit(port, context), "the door to be free")
        status = visit(port, context)
        assert status is not None
        with socket.create_connection(("127.0.0.1", port), 20):
            wait_for(lambda: visit(port, context) is None, "the door to be full")
        wait_for(lambda: visit(port, context), "the door to be free again")
        file = tmp_path / "feed" / "feed.toml"
        file.write_text(file.read_text() + 'deny = ["127.0.0.0/8"]\n')
        os.kill(status["process"], signal.SIGHUP)
        wait_for(lambda: visit(port, context) is None, "the new rule")


def test_five_hundred_at_once_are_taken_bit_by_bit_and_all_of_them(tmp_path: Path) -> None:
    """A second's worth at once: thousands who come together do not hold up the feed."""
    with feed(tmp_path / "feed", "") as (port, _):
        began = time.monotonic()
        wires = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(500)]
        try:
            for wire in wires:
                wire.settimeout(20)
                assert b"authenticate" in read_frame(wire)
            assert time.monotonic() - began > 0.9, "250 at once, and the others in the second that follows"
        finally:
            for wire in wires:
                wire.close()
