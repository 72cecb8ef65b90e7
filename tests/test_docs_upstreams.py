"""The page on upstreams: every file on it is a configuration, with settings that the Kafka library takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from confluent_kafka import Consumer

from bridge.feed import load_config
from bridge.streams.kafka.presets import PRESETS
from bridge.streams.kafka.settings import load_settings
from bridge.streams.kafka.url import parse_url

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "upstreams.md").read_text(encoding="utf-8")
SECTIONS = {m[1]: m[2] for m in re.finditer(r"^## (\w+)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S)}
FILES = [
    (name, text)
    for name, section in SECTIONS.items()
    for text in re.findall(r"^```toml\n(.*?)^```", section, re.M | re.S)
]


def test_every_preset_has_its_section() -> None:
    named = {re.sub("rubin", "lsst", name.lower()) for name in SECTIONS}
    assert named == set(PRESETS)


@pytest.mark.parametrize(("name", "text"), FILES, ids=[name for name, _ in FILES])
def test_each_file_is_a_configuration_with_all_that_its_log_in_needs(
    name: str, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "feed.toml"
    path.write_text(text, encoding="utf-8")
    config = load_config(path, {})
    assert config.kafka_config in PRESETS
    variables = re.findall(r"\$\{(\w+)\}", "".join(PRESETS[config.kafka_config].values()))
    told = re.search(r"^```sh\nexport (.*?)\n```", SECTIONS[name], re.M | re.S)
    assert set(re.findall(r"(\w+)=", told[1] if told else "")) == set(variables)
    authority = tmp_path / "ca.pem"
    settings = load_settings(config.kafka_config, environ=dict.fromkeys(variables, str(authority)))
    url = parse_url(config.source or "")
    servers = url.servers or settings.values["bootstrap.servers"]
    taken = settings.without("ssl.ca.location") | {"bootstrap.servers": servers, "group.id": "x"}
    Consumer(taken).close()
    assert config.plan.options.local_ivo.startswith("ivo://org.example/")


def test_no_two_files_share_a_journal_or_a_name() -> None:
    for key in ("file", "local_ivo"):
        values = re.findall(rf'^{key} = "(.*?)"', TEXT, re.M)
        assert len(values) == len(set(values)) == len(FILES)
