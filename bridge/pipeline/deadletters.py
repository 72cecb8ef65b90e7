"""The dead-letter folder: what could not be used, with the reason and where it came from."""

from __future__ import annotations

import re
from pathlib import Path, PurePath

import orjson

from bridge.alerts.packet import Refusal
from bridge.errors import SourceError

__all__ = ["DeadLetters"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


class DeadLetters:
    """Keeps refused messages: their bytes in one file, reason and position (JSON) in another beside it.

    The names come from the position, so a message that is refused again after a restart replaces itself.

    Parameters
    ----------
    folder
        Made with the first refusal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, refusal: Refusal) -> Path:
        """Write a refused message and its reason; gives the path of the bytes.

        Raises
        ------
        SourceError
            If the folder cannot be written.
        """
        origin = refusal.origin
        # A file's own name tells it apart; a topic's partition is but a number.
        parts = PurePath(origin.partition).parts[-2 if "://" in origin.partition else -1 :]
        stem = _UNSAFE.sub("_", f"{'-'.join(parts)}-{origin.offset}").strip(".")[-150:]
        path = self.folder / f"{stem}.bin"
        note = {
            "reason": refusal.reason,
            "partition": origin.partition,
            "offset": origin.offset,
            "member": origin.member,
            "bytes": len(refusal.data),
        }
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _replace(path, refusal.data)
            _replace(
                path.with_suffix(".json"),
                orjson.dumps(note, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),
            )
        except OSError as error:
            raise SourceError(
                f"The dead-letter folder {self.folder} cannot be written ({error.strerror or error})."
            ) from error
        return path


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
