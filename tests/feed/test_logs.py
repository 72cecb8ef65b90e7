"""Logs: each record is one line, of text or of JSON, whatever strangers have put in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from bridge.feed.logs import JsonFormatter, TextFormatter, start_logging


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def record(message: str, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "bridge.feed", "levelname": "WARNING", "msg": message, "created": 0.25}
    )
    made.msecs = 250
    vars(made).update(extra)
    return made


def test_a_json_line_has_time_level_message_and_fields() -> None:
    line = JsonFormatter().format(record("event é \udcff\n", seq=5, path=object))
    document = json.loads(line)
    assert "\n" not in line
    assert document["time"] == "1970-01-01T00:00:00.250Z"
    assert (document["level"], document["logger"], document["seq"]) == ("warning", "bridge.feed", 5)
    assert document["message"] == "event é \udcff\n"


def test_a_text_line_is_one_line() -> None:
    line = TextFormatter().format(record("refused \n2026 info all is well\x1b[2J \udcff é"))
    assert line == "1970-01-01T00:00:00.250Z warning refused \\n2026 info all is well\\x1b[2J \\udcff é"


def test_tracebacks_of_bugs_are_kept() -> None:
    try:
        raise RuntimeError("a bug")
    except RuntimeError as error:
        broken = record("it broke", exc_info=(RuntimeError, error, error.__traceback__))
    assert "RuntimeError: a bug" in TextFormatter().format(broken)
    assert "RuntimeError: a bug" in json.loads(JsonFormatter().format(broken))["traceback"]


@pytest.mark.parametrize("style", ["text", "json"])
def test_logging_goes_to_standard_error_from_the_level_on(
    style: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(style, "warning")  # type: ignore[arg-type]
    logging.getLogger("bridge.x").info("quiet")
    logging.getLogger("bridge.x").warning("loud")
    texts = capsys.readouterr()
    assert texts.out == ""
    assert "loud" in texts.err
    assert "quiet" not in texts.err
