"""Settings of the Kafka client and its URLs: what is understood, what is refused; and secrets stay in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError, UsageError
from bridge.streams.kafka.client import make_consumer
from bridge.streams.kafka.cursors import parse_start
from bridge.streams.kafka.explain import explain
from bridge.streams.kafka.presets import PRESETS
from bridge.streams.kafka.settings import KafkaSettings, load_settings
from bridge.streams.kafka.url import parse_url

VARIABLES = {
    "LSST_KAFKA_USERNAME": "someone",
    "LSST_KAFKA_PASSWORD": "pass-word",
    "GCN_CLIENT_ID": "id",
    "GCN_CLIENT_SECRET": "hush-hush",
    "HOP_USERNAME": "someone",
    "HOP_PASSWORD": "pass-word",
    "ANTARES_API_KEY": "key",
    "ANTARES_API_SECRET": "hush-hush",
    "ANTARES_CA_FILE": "ca.pem",
}


def test_toml_and_properties_say_the_same(tmp_path: Path) -> None:
    toml, lines = tmp_path / "k.toml", tmp_path / "k.properties"
    toml.write_text('sasl.username = "me"\n"sasl.password" = "${WORD}"\nenable.ssl = true\nlinger.ms = 5\n')
    lines.write_text(
        "# a comment\nsasl.username=me\nsasl.password = ${WORD}\nenable.ssl=true\n\nlinger.ms=5\n"
    )
    expected = {"sasl.username": "me", "sasl.password": "a=b", "enable.ssl": "true", "linger.ms": "5"}
    for path in (toml, lines):
        assert load_settings(path, environ={"WORD": "a=b"}).values == expected


def test_a_file_can_begin_from_a_preset_and_change_it(tmp_path: Path) -> None:
    path = tmp_path / "k.toml"
    path.write_text('preset = "gcn"\nbootstrap.servers = "kafka.test.gcn.nasa.gov"\ngroup.id = "mine"\n')
    values = load_settings(path, environ=VARIABLES).values
    assert values["bootstrap.servers"] == "kafka.test.gcn.nasa.gov"
    assert values["sasl.oauthbearer.client.secret"] == "hush-hush"
    assert values["group.id"] == "mine"


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_is_taken_by_the_client_library(preset: str, tmp_path: Path) -> None:
    if preset == "antares":
        if shutil.which("openssl") is None:
            pytest.skip("openssl is not installed")
        ca = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test"]
        files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "ca.pem")]
        subprocess.run([*ca, *files], check=True, capture_output=True)
    variables = VARIABLES | {"ANTARES_CA_FILE": str(tmp_path / "ca.pem")}
    settings = load_settings(preset, environ=variables)
    consumer = make_consumer(parse_url("kafka://127.0.0.1:1/t"), settings, on_error=lambda _: None)
    assert isinstance(consumer, Consumer)
    consumer.close()


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ConfigError, match=r"variable GCN_CLIENT_ID is not set, and the preset gcn takes"):
        load_settings("gcn", environ={})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("k.toml", "a = [1", "is not TOML"),
        ("k.toml", "a = 2026-01-01", "value of a must be"),
        ("k.toml", 'preset = "gnc"', "names the preset 'gnc'; there are ztf"),
        ("k.conf", "sasl.password hush-hush", "line 1: it must be written key=value"),
    ],
)
def test_a_malformed_file_is_explained(name: str, content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_settings(tmp_path / name)
    assert "hush-hush" not in str(caught.value)


def test_a_misspelt_preset_is_guessed() -> None:
    with pytest.raises(ConfigError, match="Did you mean the preset 'hopskotch'"):
        load_settings("hopskoch")


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    settings = KafkaSettings({"sasl.pasword": "hush-hush"}, "k.toml")
    with pytest.raises(ConfigError, match=r"settings of k.toml .* property: \"sasl.pasword\"") as caught:
        make_consumer(parse_url("kafka://h/t"), settings, on_error=lambda _: None)
    assert "hush-hush" not in str(caught.value)


@given(st.text("abcdefXYZ+/=0123", min_size=6))
def test_a_secret_is_in_no_representation_and_no_sentence(secret: str) -> None:
    keys = ("sasl.password", "sasl.oauthbearer.client.secret", "ssl.key.password", "ssl.key.pem")
    for key in keys:
        settings = KafkaSettings({key: secret, "sasl.username": "u"}, "f")
        error = KafkaError(KafkaError._AUTHENTICATION, f"no {secret} here")
        assert secret not in repr(settings)
        assert secret not in str(settings)
        assert secret not in explain(error, "h:1", settings)


def test_urls_name_brokers_and_topics() -> None:
    url = parse_url("kafka://a,b:9093,[::1]:1/t.1,u_{yyyymmdd}")
    assert url.servers == "a:9092,b:9093,[::1]:1"
    assert url.names(1_767_312_000.0) == ("t.1", "u_20260101", "u_20260102")
    assert str(parse_url(str(url))) == str(url)
    assert parse_url("kafka:///t").servers == ""


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("kafka://host", "names no topic"),
        ("kafka://host/", "names no topic"),
        ("kafka://host:port/t", "is not host or host:port"),
        ("kafka://host:99999/t", "is not host or host:port"),
        ("kafka://host/a b", "cannot be the name of a topic"),
        ("kafka://host/a/b", "cannot be the name of a topic"),
        ("kafka://host/{night}", "cannot be the name of a topic"),
        ("kafka://me:hush-hush@host/t", "no user and no password"),
    ],
)
def test_a_wrong_url_is_explained(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_url(url)
    assert "hush-hush" not in str(caught.value)


def test_a_url_without_brokers_needs_settings_that_name_them() -> None:
    with pytest.raises(UsageError, match="names no broker, and neither do the settings"):
        make_consumer(parse_url("kafka:///t"), KafkaSettings(), on_error=lambda _: None)


def test_patterns_mean_what_they_say() -> None:
    url = parse_url("kafka://h/gcn.classic.voevent.*,ztf_{yyyymmdd}_programid1")
    known = ["gcn.classic.voevent.A", "gcnXclassic.voevent.B", "__consumer_offsets"]
    noon = 1_767_355_200.0
    assert url.find(noon, known) == (
        "gcn.classic.voevent.A",
        "ztf_20260101_programid1",
        "ztf_20260102_programid1",
    )
    assert parse_url("kafka://h/*").find(noon, known) == tuple(sorted(known[:2]))
    assert url.covers("ztf_20250607_programid1")
    assert not url.covers("ztf_2025_programid1")


def test_where_to_start_is_earliest_or_latest() -> None:
    assert (parse_start("smallest"), parse_start("end")) == ("earliest", "latest")
    with pytest.raises(ConfigError, match="must be earliest or latest"):
        parse_start("yesterday")
