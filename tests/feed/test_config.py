"""The configuration file: every key arrives, every mistake is named with what was meant."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ConfigError
from bridge.feed.config import DEFAULT_PORT, FeedConfig, load_config, parse_duration
from bridge.feed.positions import from_journal, to_journal
from bridge.feed.retention import Bounds

EVERYTHING = """
[feed]
from = "inbox"
where = ["candidate.rb > 0.5", "diaSource.snr > 5"]
filters = "filters.toml"
mapping = "mine.toml"
local_ivo = "ivo://org.example/feed"
role = "test"
history = 5
cutouts = "stamps"
schemas = "https://registry.example"
follow = false
silent_after = "36h"
strict = true
dead_letters = "/dead"

[journal]
file = "state/feed.journal"
retention = "2d"
max_size = "1.5GB"
remember = "40d"
durability = "normal"

[broadcast]
port = 0
interface = "127.0.0.1"
newcomers = "12h"
durable_max_age = "1.5h"
window = 7
ack_timeout = "90s"
iamalive_interval = "2m"
test_interval = "0s"

[http]
port = 0
interface = "::1"

[log]
format = "json"
level = "warning"
"""


def load(folder: Path, text: str, **flags: Any) -> FeedConfig:
    path = folder / "feed.toml"
    path.write_text(text)
    return load_config(path, {key.replace("__", "."): value for key, value in flags.items()})


def test_every_key_arrives_and_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    config = load(tmp_path, EVERYTHING)
    plan, options, broadcaster = config.plan, config.plan.options, config.broadcaster
    assert config.source == str(tmp_path / "inbox")
    assert plan.where == ("candidate.rb > 0.5", "diaSource.snr > 5")
    assert plan.filters_file == tmp_path / "filters.toml"
    assert plan.mapping == str(tmp_path / "mine.toml")
    assert plan.strict
    assert (options.local_ivo, options.role, options.history) == ("ivo://org.example/feed", "test", 5)
    assert options.cutouts == tmp_path / "stamps"
    assert config.schemas == "https://registry.example"
    assert not config.follow
    assert config.dead_letters == Path("/dead")
    assert config.journal == tmp_path / "state" / "feed.journal"
    assert config.bounds == Bounds(172_800.0, 40 * 86_400.0, 1_500_000_000)
    assert config.durability == "normal"
    assert (config.port, config.interface) == (0, "127.0.0.1")
    assert (broadcaster.newcomers, broadcaster.durable_max_age_s) == (43_200.0, 5_400.0)
    assert (broadcaster.window, broadcaster.ack_timeout_s, broadcaster.iamalive_interval_s) == (
        7,
        90.0,
        120.0,
    )
    assert broadcaster.local_ivo == "ivo://org.example/feed"
    assert (config.test_interval_s, config.silent_after_s) == (0.0, 36 * 3600.0)
    assert (config.http_port, config.http_interface) == (0, "::1")
    assert (config.log_format, config.log_level) == ("json", "warning")


def test_flags_go_over_the_file_and_their_paths_start_at_the_working_folder(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        EVERYTHING,
        feed__from="elsewhere",
        feed__where=("true",),
        feed__cutouts="omit",
        feed__history="none",
        broadcast__newcomers="start",
        broadcast__port=None,
        journal__file="j",
        once=True,
    )
    assert (config.source, config.plan.where, config.plan.options.cutouts) == ("elsewhere", ("true",), "omit")
    assert (config.plan.options.history, config.broadcaster.newcomers) == ("none", "start")
    assert (config.journal, config.port, config.once) == (Path("j"), 0, True)


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    config = load(tmp_path, "")
    assert (config.source, config.port, config.durability) == (None, DEFAULT_PORT, "full")
    assert config.dead_letters == Path("voevent-bridge.dead-letters")
    assert load(tmp_path, '[feed]\nwhere = "a > 1"\nfrom = "-"\nhistory = "3"').plan.where == ("a > 1",)
    assert load_config(None, {"feed.history": "3"}).plan.options.history == 3


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[fed]", r"no table \[fed\]. Did you mean 'feed'"),
        ("upstream = 1", r"write \[\[upstream\]\]"),
        ("[upstream]\nhost = 'a'", r"write \[\[upstream\]\]"),
        ("[[upstream]]\nhots = 'a'", r"\[upstream\] has no key 'hots'. Did you mean 'host'"),
        ("[[upstream]]\nport = 1", "has no host"),
        ("[[upstream]]\nhost = 'a b'", "'a b' is no address of a broker"),
        ("[[upstream]]\nhost = 'a'\nsince = 'then'", "'then' does not say since when"),
        (
            "[[upstream]]\nhost = 'a'\nfilters = ['//']",
            r"The filter '//' of the upstream a cannot be used: it is not XPath",
        ),
        (
            "[[upstream]]\nhost = 'a'\n[[upstream]]\nhost = 'vtp://a:8099'",
            "The upstream broker a:8099 is named twice",
        ),
        ("[receive]\nport = 70000", "receive.port is 70000"),
        (
            "[receive]\nport = 0\nversions = ['3.0']",
            "receive.versions is '3.0'; give one or more of 1.1, 2.0, 2.1",
        ),
        ("[receive]\nport = 0\nversions = []", "receive.versions is empty"),
        ("[receive]\nport = 0\nidle_timeout = '0s'", "more than 0 seconds"),
        ("feed = 1", r"no table \[feed\]"),
        ("[feed]\nform = 'x'", r"\[feed\] has no key 'form'. Did you mean 'from'"),
        ("[broadcast]\nqqq = 1", "Known: port, interface"),
        ("[broadcast]\nport = '80'", "must be a whole number"),
        ("[broadcast]\nport = true", "must be a whole number"),
        ("[broadcast]\nport = 99999", "between 1 and 65535"),
        ("[broadcast]\nport = -1", "between 1 and 65535"),
        ("[http]\nport = 65536", "http_port is 65536; give one between 1 and 65535"),
        ("[http]\nprot = 1", r"\[http\] has no key 'prot'. Did you mean 'port'"),
        ("[broadcast]\ntest_interval = 'hourly'", "test_interval is 'hourly'; give a number with a unit"),
        ("[feed]\nsilent_after = 'long'", "silent_after is 'long'"),
        ("[broadcast]\nwindow = 0", "at least 1"),
        ("[broadcast]\nack_timeout = '0s'", "more than 0 seconds"),
        ("[broadcast]\nnewcomers = 'yesterday'", "newcomers is 'yesterday'; give a number with a unit"),
        ("[feed]\nwhere = [1]", "a list of strings"),
        ("[feed]\nfrom = ''", "from is empty"),
        ("[feed]\nfollow = 1", "must be true or false"),
        ("[feed]\nrole = 'tset'", "Role 'tset' is none of"),
        ("[feed]\nhistory = -1", "neither 'all', 'none' nor a number"),
        ("[feed]\nlocal_ivo = 'x'", "author identifier"),
        ("[feed]\ncutouts = 'https://x/'", "URL"),
        ("[journal]\nretention = '7'", "retention is '7'; give a number with a unit"),
        ("[journal]\nretention = '99999999999d'", "more than a hundred years"),
        ("[journal]\nremember = '6d'", "remember .* is shorter than retention"),
        ("[journal]\nmax_size = '50'", "max_size is '50'; give a number with a unit: 500MB"),
        ("[journal]\nmax_size = '50gb'", "max_size is '50gb'"),
        ("[journal]\ndurability = 'some'", "one of full, normal"),
        ("[log]\nformat = 'xml'", "one of text, json"),
        ("[log]\nlevel = 'loud'", "one of debug, info"),
        ("[feed", "is not TOML"),
        ("# \xff", "is not TOML"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "feed.toml").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigError, match=sentence):
        load_config(tmp_path / "feed.toml", {})


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / name, {})


@given(st.text(max_size=12))
def test_a_duration_is_a_number_of_seconds_or_an_error(text: str) -> None:
    try:
        seconds = parse_duration(text, "x")
    except ConfigError:
        return
    assert seconds >= 0


@given(
    st.dictionaries(
        st.binary(min_size=1).map(lambda raw: "/" + raw.decode(errors="surrogateescape")), st.integers()
    )
)
def test_positions_of_files_of_any_name_come_back_from_the_journal(positions: dict[str, int]) -> None:
    kept = to_journal(positions)
    assert all(key.encode() for key in kept)
    assert from_journal(kept) == positions


def test_no_logger_of_the_project_is_left_with_handlers() -> None:
    assert not logging.getLogger("bridge").handlers


def test_authors_and_upstream_brokers_are_configured_by_file_and_flags(tmp_path: Path) -> None:
    path = tmp_path / "feed.toml"
    path.write_text(
        '[feed]\nlocal_ivo = "ivo://org.example/feed"\n[broadcast]\ninterface = "::1"\n'
        '[receive]\nport = 0\nversions = ["2.0", "1.1"]\nidle_timeout = "5s"\n'
        '[[upstream]]\nhost = "a.example"\nport = 99\nfilters = ["//Who"]\nsince = "1h"\n'
        '[[upstream]]\nhost = "[::1]:8099"\n'
    )
    config = load_config(path, {"feed.from": "vtp://b.example:77/", "upstreams": ("c.example",)})
    assert config.source is None
    assert config.receive is not None
    assert (config.receive.port, config.receive.interface, config.receive.versions) == (
        0,
        "::1",
        ("2.0", "1.1"),
    )
    assert config.receive.settings.idle_timeout_s == 5
    assert [str(one.address) for one in config.upstreams] == [
        "a.example:99",
        "[::1]:8099",
        "b.example:77",
        "c.example:8099",
    ]
    first = config.upstreams[0]
    assert (first.since, first.subscriber.filters) == ("1h", ("//Who",))
    assert {one.subscriber.local_ivo for one in config.upstreams} == {"ivo://org.example/feed"}
    assert load_config(None, {"feed.from": "in"}).receive is None


def test_a_file_from_an_editor_that_marks_utf_8_is_read(tmp_path: Path) -> None:
    """Windows' Notepad used to put the mark before the first character; TOML knows no such character."""
    (tmp_path / "feed.toml").write_text('[feed]\nhistory = "3"\n', encoding="utf-8-sig")
    assert load_config(tmp_path / "feed.toml", {}).plan.options.history == 3
