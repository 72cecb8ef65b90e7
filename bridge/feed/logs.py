"""Logs that a person can read, or (as JSON lines) a machine can parse, on standard error."""

from __future__ import annotations

import json
import logging
import time
from typing import Literal

__all__ = ["set_level", "start_logging"]

# What every log record has; anything else in it was given by the caller as a structured field.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, and the structured fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        document = {
            "time": _utc(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            document["traceback"] = self.formatException(record.exc_info)
        # Not orjson: names of files may hold bytes that are not UTF-8, and the line must come all the same.
        return json.dumps(document, default=str)


class TextFormatter(logging.Formatter):
    """Time (UTC), level and message."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line = f"{_utc(record)} {record.levelname.lower():7} {_one_line(record.getMessage())}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def start_logging(style: Literal["text", "json"], level: str) -> None:
    """Send the log of this process to standard error.

    Parameters
    ----------
    style
        ``text`` or ``json``.
    level
        debug, info, warning or error.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


def set_level(level: str) -> None:
    """Log from this level on: debug, info, warning or error."""
    logging.getLogger().setLevel(level.upper())


def _utc(record: logging.LogRecord) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
    return f"{whole}.{int(record.msecs):03d}Z"


def _one_line(text: str) -> str:
    """What packets from strangers bring into a message must not look like lines of the log."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
