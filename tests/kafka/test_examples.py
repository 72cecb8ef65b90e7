"""The example configurations load, and say what the documentation says they do."""

from __future__ import annotations

from pathlib import Path

from bridge.feed import load_config
from bridge.streams.kafka.settings import load_settings
from bridge.streams.kafka.url import parse_url

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_all_of_gcn_is_configured_with_a_folder_for_sky_maps() -> None:
    config = load_config(EXAMPLES / "gcn-notices.toml", {})
    assert config.source is not None
    url = parse_url(config.source)
    assert all(map(url.covers, ("igwn.gwalert", "gcn.notices.swift.bat.guano", "gcn.classic.voevent.X")))
    assert config.plan.options.cutouts == EXAMPLES / "skymaps"
    assert config.kafka_config == "gcn"


def test_the_relay_of_gcn_is_configured() -> None:
    config = load_config(EXAMPLES / "gcn-relay.toml", {})
    assert config.source is not None
    url = parse_url(config.source)
    assert "gcn.heartbeat" in url.topics
    assert url.covers("gcn.classic.voevent.SWIFT_BAT_GRB_POS_ACK")
    assert not url.covers("gcn.classic.text.SWIFT_BAT_GRB_POS_ACK")
    credentials = {"GCN_CLIENT_ID": "id", "GCN_CLIENT_SECRET": "secret"}
    settings = load_settings(config.kafka_config, environ=credentials)
    assert settings.values["bootstrap.servers"] == "kafka.gcn.nasa.gov:9092"
