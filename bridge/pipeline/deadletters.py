"""The dead-letter folder: what could not be used, with the reason and where it came from."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePath

import orjson

from bridge.alerts.packet import Refusal
from bridge.errors import SourceError
from bridge.streams.durable import sync_files

__all__ = ["DeadLetters", "readable"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


class DeadLetters:
    """Keeps refused messages: their bytes in one file, reason and position (JSON) in another beside it.

    The names come from position and content, so a message that is refused again after a restart replaces
    itself, and never another one.

    Parameters
    ----------
    folder
        Made with the first refusal.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unsure: set[Path] = set()

    def keep(self, refusal: Refusal) -> Path:
        """Write a refused message and its reason; gives the path of the bytes.

        Raises
        ------
        SourceError
            If the folder cannot be written.
        """
        origin = refusal.origin
        path = self.folder / f"{_stem(refusal)}.bin"
        note = {
            "reason": readable(refusal.reason),
            "partition": readable(origin.partition),
            "offset": origin.offset,
            "member": readable(origin.member),
            "bytes": len(refusal.data),
            **({"findings": [readable(each) for each in refusal.findings]} if refusal.findings else {}),
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
        self._unsure |= {path, path.with_suffix(".json")}
        return path

    def secure(self) -> None:
        """Bring what was kept since the last time to the disk, before its source lets go of it.

        Raises
        ------
        SourceError
            If the disk does not take it.
        """
        unsure, self._unsure = self._unsure, set()
        sync_files(unsure)


def readable(text: str) -> str:
    r"""The text so that JSON can hold it: bytes of file names that are not UTF-8 are written ``\udcff``."""
    return text.encode(errors="backslashreplace").decode()


def _stem(refusal: Refusal) -> str:
    origin = refusal.origin
    place = f"{origin.partition}\0{origin.offset}\0".encode(errors="surrogateescape")
    mark = hashlib.blake2b(place + refusal.data, digest_size=4).hexdigest()
    # A file's own name tells it apart; a topic's partition is but a number.
    parts = PurePath(origin.partition).parts[-2 if "://" in origin.partition else -1 :]
    name = _UNSAFE.sub("_", "-".join(parts))[-120:].lstrip(".")
    return f"{name or 'message'}-{origin.offset}-{mark}"


def _replace(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)
