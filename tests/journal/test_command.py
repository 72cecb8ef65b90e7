"""``voevent-bridge journal`` as a person calls it, on real VOEvents."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from lxml import etree

from bridge.cli.journal import command
from bridge.errors import ConfigError, SourceError, UsageError
from bridge.journal import Journal, NewEntry

EDITION = "ivo://org.example/twice#1"


def new_entry(ivorn: str, data: bytes, role: str = "observation") -> NewEntry:
    return NewEntry(ivorn, data, "relayed", hashlib.sha256(data).digest(), role)


@pytest.fixture
def events(shared_data: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        for member in [member for member in archive if member.isfile()][::60]:
            handle = archive.extractfile(member)
            assert handle is not None
            data = handle.read()
            found[str(etree.fromstring(data).get("ivorn"))] = data
    return found


@pytest.fixture
def path(tmp_path: Path, events: dict[str, bytes]) -> Path:
    path = tmp_path / "feed.journal"
    with Journal.open(path, clock=lambda: 1_700_000_000.0) as journal:
        roles = {ivorn: str(etree.fromstring(data).get("role")) for ivorn, data in events.items()}
        journal.append([new_entry(ivorn, data, roles[ivorn]) for ivorn, data in events.items()])
        journal.append([new_entry(EDITION, b"<old/>", "test"), new_entry(EDITION, b"<new/>", "test")])
    return path


def run(path: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(command, [arguments[0], "--journal", str(path), *arguments[1:]])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_list_shows_the_newest_first_and_counts(path: Path, events: dict[str, bytes]) -> None:
    done = run(path, "list", "--limit", "2")
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    assert EDITION in lines[0]
    assert "2023-11-14T22:13:20Z" in lines[0]
    assert f"2 of {len(events) + 2} events" in done.stderr


def test_list_selects_by_role_stream_and_time(path: Path, events: dict[str, bytes]) -> None:
    stream = next(iter(events)).partition("#")[0]
    listed = json.loads(run(path, "list", "--json", "--limit", "1000", "--stream", stream).stdout)
    assert {event["ivorn"] for event in listed["events"]} == {
        ivorn for ivorn in events if ivorn.partition("#")[0] == stream
    }
    assert listed["statistics"]["events"] == len(events) + 2
    assert json.loads(run(path, "list", "--json", "--since", "1h").stdout)["events"] == []
    since = run(path, "list", "--json", "--since", "2023-11-14T22:13:20", "--role", "test", "--limit", "1000")
    assert {event["role"] for event in json.loads(since.stdout)["events"]} == {"test"}


def test_show_prints_the_packet_byte_for_byte(path: Path, events: dict[str, bytes]) -> None:
    for ivorn, data in events.items():
        assert run(path, "show", ivorn).stdout_bytes == data
    done = run(path, "show", EDITION)
    assert (done.stdout, done.stderr) == ("<new/>", "2 editions; the newest is shown.\n")
    assert [edition["xml"] for edition in json.loads(run(path, "show", EDITION, "--json").stdout)] == [
        "<old/>",
        "<new/>",
    ]


def test_show_says_what_is_not_there(path: Path) -> None:
    with pytest.raises(SourceError, match="has no event 'ivo://a/b#c'"):
        run(path, "show", "ivo://a/b#c")
    with Journal.open(path) as journal:
        journal.prune(1_700_000_001.0, max_rows=1000)
    with pytest.raises(SourceError, match="removed by retention"):
        run(path, "show", EDITION)
    assert "packet removed" in run(path, "list").stdout


@pytest.mark.parametrize("name", ["out", "out.tar.gz", "out.tar"])
def test_export_writes_every_packet_byte_for_byte(path: Path, events, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    summary = json.loads(run(path, "export", "-o", str(out), "--json").stdout)
    assert summary["events"] == len(events) + 2
    if out.is_dir():
        written = [file.read_bytes() for file in out.iterdir()]
    else:
        with tarfile.open(out) as archive:
            written = [handle.read() for member in archive if (handle := archive.extractfile(member))]
    assert sorted(written) == sorted([*events.values(), b"<old/>", b"<new/>"])


def test_export_takes_the_same_selection_as_list(path: Path, tmp_path: Path) -> None:
    run(path, "export", "-o", str(tmp_path / "out"), "--stream", EDITION.partition("#")[0], "--role", "test")
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert "0 events" in run(path, "export", "-o", str(tmp_path / "none"), "--since", "1h").stderr


def test_wrong_usage_is_refused(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file.xml").touch()
    with pytest.raises(UsageError, match="cannot take events"):
        run(path, "export", "-o", str(tmp_path / "file.xml"))
    with pytest.raises(ConfigError, match="--since is 'yesterday'"):
        run(path, "list", "--since", "yesterday")
    with pytest.raises(SourceError, match="There is no journal"):
        run(tmp_path / "missing", "list")


def test_list_finds_by_pattern_position_and_end(path: Path, events: dict[str, bytes]) -> None:
    with Journal.open(path) as journal:
        journal.append(
            [
                NewEntry(f"ivo://a/sky#{n}", b"<v/>", "authored", b"d", "test", ra_deg=180.0 + n, dec_deg=0.0)
                for n in range(5)
            ]
        )

    def listed(*words: str) -> list[str]:
        return [event["ivorn"] for event in json.loads(run(path, "list", "--json", *words).stdout)["events"]]

    assert listed("--ivorn", "*sky#[34]") == ["ivo://a/sky#4", "ivo://a/sky#3"]
    assert listed("--cone", "180, 0, 1.5") == ["ivo://a/sky#1", "ivo://a/sky#0"]
    assert listed("--cone", "180,-0.01,60.1arcmin") == ["ivo://a/sky#1", "ivo://a/sky#0"]
    assert listed("--cone", "180,0,3599arcsec") == ["ivo://a/sky#0"]
    assert listed("--until", "2023-11-14T22:13:20Z") == []
    assert len(listed("--until", "1d", "--limit", "1000")) == len(events) + 2


@pytest.mark.parametrize("cone", ["1,2", "a,2,3", "1,2,3mm", "1,2,-3", "", "1,2,3,4", "1,91,1", "1,2,181"])
def test_a_cone_that_is_none_is_refused(path: Path, cone: str) -> None:
    with pytest.raises(UsageError, match=r"--cone is|There is no position|cannot have the radius"):
        run(path, "list", "--cone", cone)


def test_a_backup_is_checked_and_damage_gives_status_1(path: Path, events, tmp_path: Path) -> None:
    copy = tmp_path / "copy.journal"
    done = run(path, "backup", str(copy), "--json")
    assert json.loads(done.stdout)["bytes"] == copy.stat().st_size
    with pytest.raises(UsageError, match="exists already"):
        run(path, "backup", str(copy))
    assert f"No damage: {len(events) + 2} packets" in run(copy, "check").stderr
    with sqlite3.connect(copy) as other:
        other.execute("UPDATE body SET data = x'00' WHERE seq = 3")
    other.close()
    assert (
        CliRunner().invoke(command, ["check", "--journal", str(copy)], standalone_mode=False).return_value
        == 1
    )
    assert len(json.loads(run(copy, "check", "--json").stdout)["faults"]) == 1
    assert "written to" in run(path, "backup", str(tmp_path / "second")).stderr


def test_a_journal_is_compacted_while_no_feed_runs(path: Path, tmp_path: Path) -> None:
    with Journal.open(path) as journal:
        journal.prune(1_700_000_001.0, max_rows=1000)
        with pytest.raises(SourceError, match="in use by another feed"):
            run(path, "compact")
    done = json.loads(run(path, "compact", "--json").stdout)
    assert done["bytes"] < done["bytes_before"]
    assert "before" in run(path, "compact").stderr
    with pytest.raises(SourceError, match="There is no journal"):
        run(tmp_path / "missing", "compact")
    assert not (tmp_path / "missing").exists()


def test_each_command_has_help_with_an_example() -> None:
    for name in ("list", "show", "export", "backup", "check", "compact"):
        assert "voevent-bridge journal" in CliRunner().invoke(command, [name, "--help"]).output
