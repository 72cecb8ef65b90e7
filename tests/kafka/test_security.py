"""Every way of logging in that alert services ask for, on a real broker; and what is said when it fails."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from kafka_broker import Broker
from kafka_config import GUEST, PASSWORD, USER
from kafka_tokens import CLIENT_ID, CLIENT_SECRET, TokenEndPoint
from processes import bridge_command, free_port
from reading import Following, items, read_all, settings, texts

from bridge.errors import SourceError
from bridge.simulate import simulate
from bridge.streams import open_sink
from bridge.streams.kafka.authorities import USUAL, token_authorities

SCRAM = f'sasl.mechanisms = "SCRAM-SHA-512"\nsasl.username = "{USER}"\nsasl.password = "${{WORD}}"\n'


@pytest.fixture
def topic(topics: Any) -> Any:
    name = topics.new("guarded")
    topics.fill(name, b"<v>1</v>")
    return name


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORD", PASSWORD)


def test_scram_without_tls_as_rubin_has_it(kafka: Broker, topic: str, tmp_path: Path) -> None:
    config = settings(tmp_path, SCRAM + 'security.protocol = "sasl_plaintext"\n')
    assert texts(read_all(f"kafka://{kafka.address('SCRAM')}/{topic}", kafka_config=config)) == ["<v>1</v>"]


def test_scram_with_tls_as_hopskotch_has_it(kafka: Broker, topic: str, tmp_path: Path) -> None:
    config = settings(
        tmp_path, SCRAM + f'security.protocol = "sasl_ssl"\nssl.ca.location = "{kafka.ca_file}"\n'
    )
    url = f"kafka://{kafka.address('SCRAMTLS')}/{topic}"
    batches = read_all(url, kafka_config=config)
    assert texts(batches) == ["<v>1</v>"]
    with open_sink(url, kafka_config=config) as sink:
        sink.write(items(batches)[0])  # type: ignore[arg-type]
    assert len(texts(read_all(url, kafka_config=config))) == 2


def test_a_certificate_of_an_unknown_authority_is_refused(kafka: Broker, topic: str, tmp_path: Path) -> None:
    config = settings(tmp_path, SCRAM + 'security.protocol = "sasl_ssl"\n')
    with pytest.raises(SourceError, match=r"cannot be talked to by TLS; check .* ssl.ca.location"):
        open_sink(f"kafka://{kafka.address('SCRAMTLS')}/{topic}", kafka_config=config)


def test_tokens_from_an_identity_service_as_gcn_has_it(kafka: Broker, topic: str, tmp_path: Path) -> None:
    with TokenEndPoint() as service:
        config = settings(tmp_path, oidc(service.url, CLIENT_SECRET))
        read = texts(read_all(f"kafka://{kafka.address('OAUTH')}/{topic}", kafka_config=config))
        assert read == ["<v>1</v>"]
        assert service.given >= 1


def test_an_identity_service_is_trusted_by_the_systems_authorities(
    kafka: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with TokenEndPoint(certificate=authority.issue("service", "localhost")) as service:
        config = settings(tmp_path, oidc(service.url, CLIENT_SECRET))
        read = texts(read_all(f"kafka://{kafka.address('OAUTH')}/{topic}", kafka_config=config))
    assert read == ["<v>1</v>"]


def test_the_authorities_of_the_system_give_way_to_those_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    asked = {"sasl.oauthbearer.token.endpoint.url": "https://id.example.org/token"}
    assert token_authorities(asked) == {"https.ca.location": str(authority.file)}
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    assert set(token_authorities(asked).values()) <= set(USUAL)
    for given in ({**asked, "https.ca.location": "mine"}, {**asked, "https.ca.pem": "-----"}, {}):
        assert token_authorities(given) == {}


def test_a_token_that_cannot_be_had_is_no_refusal_and_a_feed_waits(
    topics: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = settings(tmp_path, oidc("http://127.0.0.1:9/token", CLIENT_SECRET))
    feed = Following(f"kafka://127.0.0.1:{free_port()}/x", kafka_config=config)
    feed.until(lambda: "gives no token" in caplog.text, "a word about the identity service")
    assert "refuses the credentials" not in caplog.text
    assert "gives no token" in str(feed.source.trouble)
    feed.close()


def test_a_wrong_client_secret_is_not_shown(
    kafka: Broker, topic: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with TokenEndPoint() as service:
        config = settings(tmp_path, oidc(service.url, "wrong-secret"))
        with pytest.raises(SourceError, match="refuses the credentials") as caught:
            read_all(f"kafka://{kafka.address('OAUTH')}/{topic}", kafka_config=config)
    assert "wrong-secret" not in str(caught.value) + caplog.text


def test_a_wrong_password_ends_a_command_with_a_sentence(
    kafka: Broker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORD", "wrong-word")
    config = settings(tmp_path, SCRAM + 'security.protocol = "sasl_plaintext"\n')
    url = f"kafka://{kafka.address('SCRAM')}/{topic}"
    for attempt in (lambda: read_all(url, kafka_config=config), lambda: open_sink(url, kafka_config=config)):
        with pytest.raises(SourceError) as caught:
            attempt()
        assert str(caught.value).startswith(
            f"Kafka at {kafka.address('SCRAM')} refuses the credentials; check user, password and mechanism, "
            f"set in {config}"
        )
        assert "wrong-word" not in str(caught.value)


def test_a_feed_says_once_that_its_password_is_wrong_and_goes_on_trying(
    kafka: Broker,
    topic: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("WORD", "wrong-word")
    config = settings(tmp_path, SCRAM + 'security.protocol = "sasl_plaintext"\n')
    feed = Following(f"kafka://{kafka.address('SCRAM')}/{topic}", kafka_config=config)
    with caplog.at_level(logging.INFO):
        feed.until(lambda: len(feed.batches) >= 2, "two signs of life")
        feed.close()
    told = [r.getMessage() for r in caplog.records if r.name.startswith("bridge.streams.kafka")]
    assert len(told) == 1
    assert "refuses the credentials" in told[0]
    assert "Trying again" in told[0]
    assert "wrong-word" not in caplog.text


def test_a_guest_reads_alone_without_any_group_and_filters_in_one_that_the_service_allows(
    kafka: Broker,
    topics: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As at Rubin and Hopskotch, where a group's name must begin with that of the user."""
    source, target = topics.new("guarded"), topics.new("kept")
    alerts = [alert.packet.data for visit in simulate("ztf", visits=1, alerts=3, seed=9) for alert in visit]
    topics.fill(source, *alerts)
    # Groups that a rule of the broker names are open to nobody else: none that another test may use.
    barred = f"of-the-service-{target}"
    place = (ResourceType.GROUP, barred, ResourcePatternType.PREFIXED, f"User:{GUEST}", "*")
    denied = AclBinding(*place, AclOperation.READ, AclPermissionType.DENY)
    topics.admin.create_acls([denied])[denied].result(60)
    monkeypatch.setenv("LSST_KAFKA_USERNAME", GUEST)
    monkeypatch.setenv("LSST_KAFKA_PASSWORD", PASSWORD)
    config = settings(tmp_path, 'preset = "lsst"\nauto.offset.reset = "earliest"\n')
    url = f"kafka://{kafka.address('SCRAM')}/{source}"
    assert [item.data for item in items(read_all(url, kafka_config=config))] == alerts
    assert not caplog.text, "whoever reads alone needs no group"
    (tmp_path / "open.toml").write_text('security.protocol = "plaintext"\n')
    words = bridge_command(
        *("filter", "--from", url, "--to", f"kafka://{kafka.bootstrap}/{target}", "--once"),
        *("--where", "candid > 0", "--kafka-config", config, "--to-kafka-config", tmp_path / "open.toml"),
    )
    for more, said in (
        ((), "3 read, 3 kept"),
        (("--group", f"{barred}-x"), "does not let this user use the consumer group; check group.id"),
    ):
        done = subprocess.run([*words, *more], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == (1 if more else 0), done.stderr
        assert said in done.stderr
    groups = {group.group_id for group in topics.admin.list_consumer_groups().result(60).valid}
    assert f"{GUEST}-voevent-bridge.filter.{target}" in groups


def oidc(url: str, secret: str) -> str:
    return (
        'security.protocol = "sasl_plaintext"\nsasl.mechanisms = "OAUTHBEARER"\n'
        f'sasl.oauthbearer.method = "oidc"\nsasl.oauthbearer.client.id = "{CLIENT_ID}"\n'
        f'sasl.oauthbearer.client.secret = "{secret}"\nsasl.oauthbearer.token.endpoint.url = "{url}"\n'
    )
