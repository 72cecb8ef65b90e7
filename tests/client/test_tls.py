"""TLS between programs and a broker: our own feed with client certificates, and others with odd ones."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from calling import call
from certificates import Authority
from processes import bridge_command, ready_port, running

import bridge
from bridge.client.tls import tls_reason
from bridge.errors import ConfigError, SourceError
from bridge.vtp import encode_frame
from bridge.vtp.messages import write_transport
from tests.vtp.peers import synthetic_event, wait_until

IVORN, EVENT = synthetic_event(1)
GREETING = encode_frame(write_transport("authenticate", "ivo://b/b", 0))


@dataclass(frozen=True)
class Guarded:
    """A feed whose ports speak TLS and want certificates."""

    folder: Path
    subscribers: str
    authors: str
    ca: Path
    own: Path
    other: Path


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    authority, stranger = Authority(folder), Authority(folder, "stranger")
    server = authority.issue("server", "localhost")
    rules = f'port = 0\ntls_certificate = "{server}"\ntls_client_ca = "{authority.file}"\n'
    (folder / "feed.toml").write_text(
        '[journal]\nfile = "j.sqlite"\n[broadcast]\nnewcomers = "start"\ntest_interval = "0s"\n'
        f'interface = "127.0.0.1"\n{rules}[receive]\n{rules}'
    )
    log = folder / "log"
    with running(bridge_command("serve", folder / "feed.toml"), log) as process:
        port = ready_port(process, log)
        found = re.search(rb"receiving authors on port (\d+)", log.read_bytes())
        assert found is not None
        yield Guarded(
            folder,
            f"localhost:{port}",
            f"localhost:{int(found[1])}",
            authority.file,
            authority.issue("client"),
            stranger.issue("other"),
        )


@contextmanager
def greeting_with(certificate: Path | None) -> Iterator[int]:
    """A port that greets subscribers, in TLS if there is a certificate for it."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)

    def serve() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            peer.settimeout(20)
            try:
                wire = peer if context is None else context.wrap_socket(peer, server_side=True)
                with wire:
                    wire.sendall(GREETING)
                    while wire.recv(1 << 16):
                        pass
            except OSError:
                continue
            finally:
                peer.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(20)


def test_events_go_to_and_from_a_broker_that_wants_certificates(
    guarded: Guarded, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """More than fits into a record of TLS, and many at once: by command and by program."""
    big = synthetic_event(2, padding=60_000)[1]
    (tmp_path / "big.xml").write_bytes(big)
    tls = ("--tls-ca", guarded.ca, "--tls-certificate", guarded.own)
    sent = call(capfdbinary, "submit", tmp_path / "big.xml", "--to", guarded.authors, *tls)
    assert (sent.status, sent.err[:10]) == (0, "1 accepted")
    more = [synthetic_event(number)[1] for number in range(10, 310)]
    files = {"tls_ca": guarded.ca, "tls_certificate": guarded.own, "tls_key": guarded.own}
    assert {each.outcome for each in bridge.submit(more, guarded.authors, **files)} == {"accepted"}
    words = ("subscribe", guarded.subscribers, "--count", 301, "--timeout", 60, "-o", tmp_path / "kept")
    heard = call(capfdbinary, *words, "--tls", *tls)
    assert (heard.status, heard.err) == (0, "301 events received.\n")
    kept = [path.read_bytes() for path in (tmp_path / "kept").iterdir()]
    assert sorted(kept) == sorted([big, *more])


@pytest.mark.parametrize("name", ["none", "other"])
def test_who_cannot_prove_itself_is_told_so(
    guarded: Guarded, name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "event.xml").write_bytes(EVENT)
    own = () if name == "none" else ("--tls-cert", guarded.other)
    said = "it wants a certificate from us" if name == "none" else "it does not accept our certificate"
    words = ("--tls-ca", guarded.ca, *own)
    sent = call(capfdbinary, "submit", tmp_path / "event.xml", "--to", guarded.authors, *words)
    assert sent.status == 1
    assert sent.err.startswith(f"Error: There is no connection to the broker {guarded.authors}: {said}")
    files = {"tls_ca": guarded.ca, "tls_certificate": guarded.other if own else None}
    with bridge.subscribe(guarded.subscribers, **files) as subscription:
        wait_until(lambda: said in (subscription.trouble or ""), "the refusal", 30)


def test_who_forgets_tls_is_told_of_it(guarded: Guarded) -> None:
    (told,) = bridge.submit([EVENT], guarded.authors, timeout_s=30)
    assert told.outcome == "unanswered"
    assert "without an answer; is this its port for authors, and does it want TLS?" in told.reason
    with bridge.subscribe(guarded.subscribers, timeout_s=0.2) as subscription:
        assert list(subscription) == []
        assert "not even a greeting" in (subscription.trouble or "")


@pytest.mark.parametrize(
    ("certificate", "said"),
    [
        ("expired", "its certificate has expired"),
        ("elsewhere", "its certificate is for another host"),
        ("stranger", "its certificate is not by an authority that we trust"),
        ("plain", "it does not speak TLS on this port"),
    ],
)
def test_a_broker_that_is_not_trusted_is_told_in_a_sentence(
    certificate: str, said: str, tmp_path: Path
) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "else")
    pem = {
        "expired": lambda: authority.issue("expired", "localhost", days=-1),
        "elsewhere": lambda: authority.issue("elsewhere", "broker.example.org"),
        "stranger": lambda: stranger.issue("stranger", "localhost"),
        "plain": lambda: None,
    }[certificate]()
    with greeting_with(pem) as port:
        broker = f"localhost:{port}"
        with pytest.raises(SourceError, match=f"There is no connection to the broker {broker}: {said}"):
            list(bridge.submit([EVENT], broker, tls_ca=authority.file))
        with bridge.subscribe(broker, tls_ca=authority.file) as subscription:
            wait_until(lambda: (subscription.trouble or "").startswith(said), "the refusal", 30)


def test_a_certificate_that_is_renewed_is_trusted_at_the_next_connection(
    tmp_path: Path,
) -> None:
    """The authority's file is written anew while a program listens; it needs no restart."""
    authority = Authority(tmp_path)
    wrong = Authority(tmp_path, "else")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(wrong.file.read_bytes())
    with (
        greeting_with(authority.issue("server", "localhost")) as port,
        bridge.subscribe(f"localhost:{port}", tls_ca=trusted, timeout_s=30) as subscription,
    ):
        wait_until(lambda: "not by an authority" in (subscription.trouble or ""), "the refusal", 30)
        trusted.write_bytes(authority.file.read_bytes())
        wait_until(lambda: subscription.heard, "the greeting", 30)
        assert subscription.trouble is None


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"tls_ca": "nowhere.pem"}, r"tls_ca: .*nowhere.pem cannot be read \(No such file"),
        ({"tls_ca": Path("/dev/zero")}, "tls_ca: /dev/zero cannot be read .File too large"),
        ({"tls_ca": "text"}, "tls_ca: .*text holds no certificate in PEM form"),
        ({"tls_certificate": "nowhere.pem"}, "tls_certificate: .*nowhere.pem cannot be read"),
        ({"tls_certificate": "own.pem", "tls_key": "nowhere.pem"}, "tls_key: .*nowhere.pem cannot be read"),
        ({"tls_certificate": "own.pem", "tls_key": "other.pem"}, r"cannot be used \(key values mismatch\)"),
        ({"tls_certificate": "own.pem", "tls_key": "locked.pem"}, "cannot be used .*without a password"),
        ({"tls_key": "own.pem"}, "The connection to localhost:.* has tls_key and no tls_certificate"),
        ({"tls": False, "tls_ca": "own.pem"}, "has tls_ca, and tls is false"),
    ],
)
def test_files_that_cannot_be_used_are_told_before_anything_is_connected(
    tmp_path: Path, files: dict[str, object], said: str
) -> None:
    authority = Authority(tmp_path)
    authority.issue("own")
    authority.issue("other")
    authority.lock("own", "locked")
    (tmp_path / "text").write_text("hello")
    given = {name: tmp_path / value if isinstance(value, str) else value for name, value in files.items()}
    with pytest.raises(ConfigError, match=said):
        bridge.submit([EVENT], "localhost", **given)
    with pytest.raises(ConfigError, match=said):
        bridge.subscribe("localhost", **given)


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "it has refused to speak TLS with us (protocol version)"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "it does not accept our certificate (certificate expired)"),
        ("UNSUPPORTED_PROTOCOL", "TLS has failed (unsupported protocol)"),
    ],
)
def test_rarer_faults_are_told_in_words_too(reason: str, said: str) -> None:
    error = ssl.SSLError(1, "no")
    error.reason = reason
    assert tls_reason(error) == said
