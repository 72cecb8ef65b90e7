"""The page on operating a feed: its configuration is one, has every key there is, and says the defaults."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from bridge.cli.serve import _KEYS as FLAGS
from bridge.cli.serve import command
from bridge.feed import FeedConfig, load_config
from bridge.feed.config import parse_duration
from bridge.feed.config_file import KEYS
from bridge.vtp.receiver_settings import ReceiverSettings

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "serve.md").read_text(encoding="utf-8")
ALL_KEYS = {f"{table}.{key}" for table, keys in KEYS.items() for key in keys}
ROWS = {m[1]: (m[2], m[3]) for m in re.finditer(r"^\| `([a-z_.]+)` \| (.+?) \| (.+?) \|", TEXT, re.M)}


def configuration() -> str:
    found = re.search(r"^```toml\n(.*?)^```", TEXT, re.M | re.S)
    assert found
    return found[1]


def load(folder: Path, text: str) -> FeedConfig:
    path = folder / "feed.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, {})


def defaults() -> dict[str, Any]:
    """What a feed does that is told nothing, under the names of the file's keys."""
    config = load_config(None, {})
    served, options = config.broadcaster, config.plan.options
    return {
        "feed.local_ivo": options.local_ivo,
        "feed.history": options.history,
        "feed.cutouts": options.cutouts,
        "feed.follow": config.follow,
        "feed.strict": config.plan.strict,
        "feed.dead_letters": str(config.dead_letters),
        "journal.file": str(config.journal),
        "journal.retention": config.bounds.retention_s,
        "journal.remember": config.bounds.remember_s,
        "journal.durability": config.durability,
        "broadcast.port": config.port,
        "broadcast.interface": config.interface,
        "broadcast.newcomers": served.newcomers,
        "broadcast.durable_max_age": served.durable_max_age_s,
        "broadcast.window": served.window,
        "broadcast.ack_timeout": served.ack_timeout_s,
        "broadcast.iamalive_interval": served.iamalive_interval_s,
        "broadcast.drain": served.drain_s,
        "broadcast.test_interval": config.test_interval_s,
        **{
            f"{table}.{key}": getattr(config.door.access, key)
            for table in ("broadcast", "receive", "http")
            for key in ("max_connections", "max_per_address")
        },
        "receive.max_rate": ReceiverSettings("ivo://a").max_rate,
        "receive.interface": config.interface,
        "receive.versions": "2.0",
        "receive.idle_timeout": ReceiverSettings("ivo://a").idle_timeout_s,
        "feed.silent_after": config.silent_after_s,
        "http.interface": config.http_interface,
        "log.format": config.log_format,
        "log.level": config.log_level,
    }


def same(written: str, real: Any) -> bool:
    if isinstance(real, float):
        return parse_duration(written, "the default") == real
    return written == (str(real).lower() if isinstance(real, bool) else str(real))


def test_documented_configuration_is_one(tmp_path: Path) -> None:
    config = load(tmp_path, configuration())
    assert config.source == str(tmp_path / "inbox")
    assert config.plan.where == ("candidate.rb >= 0.65 AND candidate.magpsf < 18.5",)
    assert config.broadcaster.local_ivo == "ivo://org.example/feed"


def test_documented_configuration_says_the_defaults(tmp_path: Path) -> None:
    written = load(
        tmp_path,
        re.sub(r"^(from|where|local_ivo|host|\[\[upstream\]\]) ?.*\n", "", configuration(), flags=re.M),
    )
    plain = load(tmp_path, '[journal]\nfile = "voevent-bridge.journal"\n')
    assert written == plain


def test_documented_configuration_has_every_key_there_is(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=[a-z_]+ = )", "", configuration(), flags=re.M)
    config = load(tmp_path, text)
    assert config.plan.mapping == str(tmp_path / "mine.toml")
    assert config.plan.options.role == "test"
    table, found = "", set()
    for line in text.splitlines():
        if heading := re.match(r"\[+(\w+)\]", line):
            table = heading[1]
        elif key := re.match(r"(\w+) = ", line):
            found.add(f"{table}.{key[1]}")
    assert found == ALL_KEYS


def test_table_has_every_key_with_its_default() -> None:
    assert ROWS.keys() == ALL_KEYS
    known = defaults()
    for key, (written, _) in ROWS.items():
        if key not in known:
            assert written == "-", key
        elif written.startswith("`"):
            assert same(written.strip("`"), known[key]), key
    in_words = {key for key, (written, _) in ROWS.items() if not written.startswith(("`", "-"))}
    assert in_words == {"feed.dead_letters", "broadcast.interface", "receive.interface"}


@pytest.mark.parametrize("key", sorted(ALL_KEYS))
def test_table_names_the_flag_that_sets_a_key(key: str) -> None:
    options = {param.name: param for param in command.params if isinstance(param, click.Option)}
    names = {target: options[name].opts[0] for name, target in FLAGS.items() if target in ALL_KEYS}
    assert ROWS[key][1].strip("`") == names.get(key, "-")
