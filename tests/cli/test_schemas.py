"""``voevent-bridge schemas`` as a user calls it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bridge.cli import main

SCHEMA = {
    "type": "record",
    "name": "other.alert",
    "fields": [{"name": "i", "type": ["null", "long"], "doc": "an identifier"}],
}

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main(["schemas", *words])
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return call


def test_what_was_added_is_listed_first_and_shown(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.avsc"
    file.write_text(json.dumps(SCHEMA))
    status, _, err = run("add", str(file), "--id", "7")
    assert status == 0
    assert "other.alert is kept in" in err
    rows = json.loads(run("list", "--json")[1])
    assert (rows[0]["id"], rows[0]["name"], rows[0]["source"]) == (7, "other.alert", "user")
    assert {"lsst/10.0", "ztf/4.02"} <= {row["short_name"] for row in rows}
    assert "other.alert" in run("list")[1]
    assert json.loads(run("show", "7", "--json")[1]) == SCHEMA
    shown = run("show", "other.alert")[1]
    assert "an identifier" in shown
    assert "long or null" in shown


def test_a_schema_is_taken_from_an_alert(run: Run, shared_data: Path) -> None:
    alert = shared_data / "alerts" / "ztf-ZTF19acihgng.avro"
    assert run("add", str(alert))[0] == 0
    assert json.loads(run("show", str(alert), "--json")[1])["name"] == "alert"
    assert "candidate.magpsf" in run("show", str(alert))[1]


def test_a_folder_can_be_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "named").mkdir()
    (tmp_path / "named" / "5.avsc").write_text(json.dumps(SCHEMA))
    assert json.loads(run("list", "--schemas", str(tmp_path / "named"), "--json")[1])[0]["id"] == 5
    assert run("show", "5", "--schemas", str(tmp_path / "named"))[0] == 0


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["show", "nowhere"], 1, "No schema is named 'nowhere'"),
        (["show", "705"], 1, "v7.5 in LSST's numbering"),
        (["list", "--schemas", "/nonexistent"], 2, "neither a folder nor the URL"),
        (["add", "missing.avsc"], 1, "cannot be read"),
        (["add", "a.avsc", "b.avsc", "--id", "1"], 2, "one by one"),
        (["fetch"], 2, "which schemas to fetch"),
        (["fetch", "1", "--from", "file:///etc/passwd"], 2, "not the URL of a schema registry"),
    ],
)
def test_mistakes_are_answered_with_a_sentence(
    run: Run, words: list[str], status: int, sentence: str
) -> None:
    code, _, err = run(*words)
    assert (code, sentence in err, "Traceback" in err) == (status, True, False), err


def test_a_fetched_schema_is_known_afterwards(run: Run) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {
                "/schemas/ids/9": {"schema": json.dumps(SCHEMA)},
                "/subjects/alerts/versions/latest": {"id": 10, "schema": json.dumps(SCHEMA)},
            }
            body = json.dumps(known.get(self.path, {"error_code": 40403})).encode()
            self.send_response(200 if self.path in known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}"
            assert run("fetch", "9", "--subject", "alerts", "--from", url)[0] == 0
            assert "does not know schema id 8" in run("fetch", "8", "--from", url)[2]
        finally:
            server.shutdown()
            thread.join()
    assert {9, 10} <= {row["id"] for row in json.loads(run("list", "--json")[1])}


@pytest.mark.parametrize("name", ["list", "show", "add", "fetch"])
def test_every_command_has_an_example(run: Run, name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    assert "Example" in out
    assert f"voevent-bridge schemas {name}" in out
