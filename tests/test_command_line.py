"""The command line as a whole: help that helps, errors in one sentence, and a quick start.

What each command does is tested with its room; here is what a person meets whichever command it is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bridge import __version__
from bridge.cli import COMMANDS, main, root
from bridge.journal import Journal

PROJECT = Path(__file__).resolve().parent.parent


def leaves(command: click.Command = root, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from leaves(below, (*path, name))


LEAVES = list(leaves())
GROUPS = sorted({path[:1] for path in LEAVES if len(path) > 1})


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(words))
    assert isinstance(end.value.code, int)
    return end.value.code


def start(*command: str, **others: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    options = {"capture_output": True, "text": True, "timeout": 60, "env": environment, **others}
    return subprocess.run([sys.executable, *command], check=False, **options)  # type: ignore[call-overload,no-any-return]


def test_help_lists_every_command_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--help") == 0
    out = capsys.readouterr().out
    for name in COMMANDS:
        assert re.search(rf"^  {name} +\w", out, re.M), name
    assert "voevent-bridge convert" in out


@pytest.mark.parametrize("path", [*GROUPS, *LEAVES], ids=" ".join)
def test_help_of_each_command_has_a_sentence_and_an_example(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*path, "--help") == 0
    out = capsys.readouterr().out
    assert re.search(r"^  [A-Z][^\n]*(\n  \S[^\n]*)*\.", out, re.M), "no sentence"
    assert re.search(rf"^  Examples?:\n    voevent-bridge {' '.join(path)}\b", out, re.M), "no example"


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_each_option_has_a_sentence(path: tuple[str, ...]) -> None:
    command: click.Command = root
    for name in path:
        assert isinstance(command, click.Group)
        below = command.get_command(click.Context(command), name)
        assert below is not None
        command = below
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, f"{option.name} is not explained"


@pytest.mark.parametrize("path", [(), *GROUPS, *LEAVES], ids=lambda path: " ".join(path) or "itself")
def test_an_unknown_option_or_command_is_named(
    path: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*path, "--nonsense") == 2
    err = capsys.readouterr().err
    assert err.count("Error: ") == 1
    assert "--nonsense" in err
    if path not in LEAVES:
        assert call(*path, "nonsense") == 2
        assert "No such command 'nonsense'" in capsys.readouterr().err


def test_version_is_the_package_s(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--version") == 0
    assert __version__ in capsys.readouterr().out


MISTAKES = {
    "a file that is not there": (1, "filter --from none.avro --to kept --where 'candidate.rb > 0'"),
    "a file that is something else": (1, "inspect hello.txt"),
    "an empty file": (1, "inspect empty.avro"),
    "a filter that is not SQL": (2, "filter --from alerts --to kept --where 'candidate.rb >'"),
    "a filter on an unknown field": (2, "filter --from alerts --to kept --where 'candidate.nope > 1'"),
    "a filter that mixes types": (2, "filter --from alerts --to kept --where \"candidate.rb > 'a'\""),
    "a filter file that is not there": (2, "filter --from alerts --to kept --filters none.toml"),
    "neither filter nor file": (2, "filter --from alerts --to kept"),
    "an unknown mapping": (2, "convert alerts --mapping none"),
    "a mapping for another survey": (2, "convert alerts --mapping lsst"),
    "a mapping file that is not TOML": (2, "mapping check hello.txt"),
    "an unknown schema": (1, "schemas show none/1.0"),
    "a schema that is none": (2, "convert alerts --schema hello.txt"),
    "no id to fetch": (2, "schemas fetch"),
    "a journal that is not there": (1, "journal list --journal none.journal"),
    "a journal that is none": (1, "journal list --journal hello.txt"),
    "a time that is none": (2, "journal list --since tomorrow"),
    "a configuration that is not there": (2, "serve none.toml"),
    "a configuration that is not TOML": (2, "serve hello.txt"),
    "a feed without a source": (2, "serve"),
    "authors have no end": (2, "serve --receive 0 --once"),
    "an upstream broker twice": (2, "serve --upstream a.example --upstream vtp://a.example:8099"),
    "an upstream broker that is none": (2, "serve --from 'vtp://a b'"),
    "a broker that is none": (2, "subscribe 'a b'"),
    "a moment that is none": (2, "subscribe localhost --since tomorrow"),
    "a handler that is not there": (2, "subscribe localhost --exec no-such-program"),
    "a receiver that is none": (2, "submit hello.txt --to localhost:99999"),
    "a receiver that is not there": (1, "submit one.xml --to localhost:1"),
    "a duration without a unit": (2, "serve --from alerts --retention 7"),
    "a port that does not exist": (2, "serve --from alerts --broadcast 70000"),
    "an identifier that is none": (2, "convert alerts --local-ivo here"),
    "a history that is none": (2, "convert alerts --history some"),
    "a number out of range": (2, "convert alerts --jobs 0"),
    "a choice that there is not": (2, "convert alerts --role nonsense"),
    "an output that cannot take events": (2, "convert alerts -o events.json"),
    "an input without a name": (2, "validate ''"),
    "standard input where a name is wanted": (2, "replay - --to again"),
    "a schema on standard input": (2, "convert alerts --schema -"),
    "an output without a name": (2, "simulate ztf -o ''"),
    "files on standard output": (2, "journal export -o -"),
    "an output of another kind": (2, "simulate ztf -o hello.txt"),
    "VOEvents in Avro as what they are not": (2, "convert alerts -o events.avro"),
    "nothing at all to look at": (1, "inspect empty"),
    "an archive that is not there": (1, "replay none.tar --to again"),
    "an alert that is not there": (1, "inspect none.avro"),
    "an example that is not there": (1, "mapping new none.avro"),
    "an example that needs no mapping": (1, "mapping new event.json"),
    "an example without content": (1, "mapping new nothing.json"),
    "a schema for a check that is not there": (2, "mapping check ztf --schema none.avsc"),
    "a notice for a check that is not there": (2, "mapping check gcn-notice --notice none.json"),
    "a schema of bare alerts that is not there": (2, "convert alerts --schema none.avsc"),
    "results that are none": (1, "bench compare hello.txt hello.txt"),
    "results that are not there": (1, "bench compare none.json none.json"),
    "a URL of another kind": (2, "convert https://example.org/alerts.tar"),
    "an unknown survey": (2, "simulate nonsense -o alerts"),
    "an unknown schema version": (2, "simulate ztf --schema-version 9 -o more"),
    "no alerts at all": (2, "simulate ztf --alerts 0 -o more"),
}


@pytest.fixture(scope="module")
def somewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("somewhere")
    (folder / "hello.txt").write_text("hello\n")
    (folder / "empty.avro").touch()
    (folder / "empty").mkdir()
    (folder / "nothing.json").write_text("{}")
    (folder / "event.json").write_text('{"$schema":"org.voevent_bridge.voevent.v1","ivorn":"ivo://a/b"}')
    (folder / "one.xml").write_text("<VOEvent ivorn='ivo://org.example/a#1'/>")
    Journal.open(folder / "voevent-bridge.journal").close()
    with pytest.raises(SystemExit):
        main(["simulate", "ztf", "--visits", "1", "--alerts", "2", "-o", str(folder / "alerts")])
    return folder


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_in_one_sentence(
    what: str, somewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(somewhere)
    status, words = MISTAKES[what]
    assert call(*shlex.split(words)) == status
    err = capsys.readouterr().err
    assert err.count("Error: ") == 1
    sentence = err.rpartition("Error: ")[2].strip()
    assert "\n" not in sentence
    assert sentence[-1] in ".?)"
    assert len(sentence) > 20


ENDLESS = [
    "convert alerts --mapping /dev/zero",
    "convert alerts --schema /dev/zero",
    "filter --from alerts --to kept --filters /dev/zero",
    "mapping check gcn-notice --notice /dev/zero",
    "mapping new /dev/zero",
    "consume kafka://localhost:1/topic --kafka-config /dev/zero",
    "serve /dev/zero",
    "bench compare /dev/zero /dev/zero",
    "replay /dev/zero --to again",
]


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
@pytest.mark.parametrize("words", ENDLESS)
def test_a_file_without_end_is_told_in_one_sentence(
    words: str, somewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(somewhere)
    assert call(*shlex.split(words)) in (1, 2)
    err = capsys.readouterr().err
    assert err.count("Error: ") == 1
    assert "/dev/zero" in err


def test_a_missing_input_costs_itself_whatever_the_command(
    somewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(somewhere)
    assert call("convert", "none.avro", "alerts", "-o", "converted") == 1
    assert "none.avro cannot be read (No such file or directory)" in capsys.readouterr().err
    assert len(list((somewhere / "converted").iterdir())) == 2
    assert call("validate", "none.xml", "converted") == 1
    said = capsys.readouterr().out
    assert "none.xml cannot be opened (No such file or directory)" in said
    assert "3 packets: 2 pass, 1 fail" in said


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("convert empty -o made", 0),
        ("filter --from empty --to made --where TRUE", 0),
        ("replay empty --to made", 0),
        ("validate empty", 1),
        ("inspect empty", 1),
        ("submit empty --to localhost:1", 1),
    ],
)
def test_an_empty_folder_is_nothing_to_do_or_nothing_to_look_at(
    words: str, status: int, somewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(somewhere)
    assert call(*words.split()) == status


def test_python_m_bridge_is_the_command() -> None:
    script = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]["voevent-bridge"]
    module, _, function = script.partition(":")
    one = start("-m", "bridge", "convert", "--help")
    other = start("-c", f"from {module} import {function}; {function}()", "convert", "--help")
    assert (one.returncode, one.stdout, one.stderr) == (0, other.stdout, "")
    assert one.stdout.startswith("Usage: voevent-bridge convert ")


@pytest.mark.no_cover
def test_a_reader_that_has_had_enough_is_no_failure(somewhere: Path) -> None:
    for words in (
        "convert alerts",
        "inspect alerts",
        "mapping list",
        "filter --from alerts --to - --where TRUE",
    ):
        reading, writing = os.pipe()
        os.close(reading)
        done = start("-m", "bridge", *words.split(), cwd=somewhere, capture_output=False, stdout=writing)
        os.close(writing)
        assert done.returncode == 0, words


def test_a_table_is_folded_on_a_terminal_and_whole_in_a_pipe_whatever_a_schema_says(tmp_path: Path) -> None:
    doc = "A magnitude [mag], never [/bold] or \x1b[31m, " + "and much more " * 20
    fields = [{"name": "magpsf", "type": "float", "doc": doc}]
    (tmp_path / "odd.avsc").write_text(json.dumps({"type": "record", "name": "odd", "fields": fields}))
    words = ("-m", "bridge", "schemas", "show", str(tmp_path / "odd.avsc"))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    environment.pop("COLUMNS", None)
    whole = start(*words, env=environment).stdout
    assert "A magnitude [mag], never [/bold] or  [31m" in whole
    assert "and much more and much more" in whole.splitlines()[-1]
    folded = start(*words, env={**environment, "COLUMNS": "40"}).stdout
    assert max(map(len, folded.splitlines())) <= 40
    assert "…" not in folded


def test_sigterm_leaves_nothing_half_written_whatever_the_command(tmp_path: Path) -> None:
    words = ("simulate", "ztf", "--visits", "1000", "--alerts", "50", "-o", str(tmp_path / "all.tar"))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen([sys.executable, "-m", "bridge", *words], env=environment) as process:
        hidden = tmp_path / ".all.tar.tmp"
        deadline = time.monotonic() + 60
        while not hidden.exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        assert process.wait(60) == 143
    assert not list(tmp_path.iterdir())


def test_sigterm_is_not_lost_in_a_library_that_drops_what_its_callbacks_raise(tmp_path: Path) -> None:
    (tmp_path / "deaf.py").write_text(
        "import os, signal, time\n"
        "from pathlib import Path\n"
        "from bridge.cli import _ending_orderly\n"
        "with _ending_orderly():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except SystemExit:\n"
        "        pass\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    finally:\n"
        "        time.sleep(1)\n"
        "        Path('tidied').touch()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "deaf.py"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert done.returncode == 143, done.stderr
    assert (tmp_path / "tidied").exists(), "what tidies up is left to end"


def test_help_has_a_short_name_at_every_level() -> None:
    for words in ((), ("journal",), ("journal", "list")):
        done = start("-m", "bridge", *words, "-h")
        assert done.returncode == 0
        assert done.stdout.startswith("Usage: voevent-bridge")


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("nonsense",)], ids=" ".join)
def test_help_comes_without_loading_the_heavy_libraries(words: tuple[str, ...]) -> None:
    done = start("-X", "importtime", "-m", "bridge", *words)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    heavy = {"numpy", "twisted", "sqlglot", "lxml", "fastavro", "orjson", "rich", "matplotlib", "astropy"}
    assert not loaded & heavy


def test_only_the_feed_loads_twisted(tmp_path: Path) -> None:
    words = ("simulate", "ztf", "--visits", "1", "--alerts", "1", "-o", str(tmp_path / "alerts"))
    done = start("-X", "importtime", "-m", "bridge", *words)
    assert done.returncode == 0
    assert "numpy" in done.stderr
    assert not re.search(r"\| +(twisted|matplotlib|astropy)\b", done.stderr)


def test_a_reader_that_goes_away_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "bridge", "mapping", "show", "ztf"]
    done = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, env=environment, timeout=60, check=False
    )
    os.close(writing)
    assert done.stderr == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("mapping", "show", "ztf"), ("mapping", "list", "--json")], ids=" ".join)
def test_a_full_disk_behind_standard_output_is_told_in_one_sentence(words: tuple[str, ...]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "bridge", *words]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, env=environment, timeout=60, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "Error: Standard output cannot be written (No space left on device).\n"


@pytest.mark.parametrize(
    "words", [("mapping", "show", "ztf"), ("mapping", "list"), ("inspect", "{event}")], ids=" ".join
)
def test_a_closed_standard_output_is_no_bug_and_no_files_place(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    event = tmp_path / "event.xml"
    event.write_bytes(b"<VOEvent ivorn='ivo://example.org/s#1' role='test' version='2.0'/>")
    command = [sys.executable, "-m", "bridge", *(word.format(event=event) for word in words)]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    closing = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    done = subprocess.run(closing, stderr=subprocess.PIPE, env=environment, timeout=60, check=False)
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.parametrize("words", [("mapping", "list"), ("mapping", "show", "igwn-gwalert")], ids=" ".join)
def test_a_terminal_without_unicode_is_no_obstacle(words: tuple[str, ...]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "ascii", "COLUMNS": "60"}
    command = [sys.executable, "-m", "bridge", *words]
    done = subprocess.run(command, capture_output=True, env=environment, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
