"""Runs the command in this process, as its entry point does: arguments in; status and both outputs out."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from bridge.cli import main


@dataclass
class Outcome:
    status: int
    out: bytes
    err: str


def call(capture: pytest.CaptureFixture[bytes], *words: object) -> Outcome:
    """Run ``voevent-bridge WORDS``; an error that is not a sentence fails the test with its traceback."""
    capture.readouterr()
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    texts = capture.readouterr()
    assert isinstance(ended.value.code, int)
    outcome = Outcome(ended.value.code, texts.out, texts.err.decode(errors="backslashreplace"))
    assert "Traceback" not in outcome.err, outcome.err
    return outcome


def make_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Files of a folder, hidden ones too, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def without_dates(xml: bytes) -> bytes:
    """A packet without the time of its making, which is all that two runs may differ in."""
    before, _, rest = xml.partition(b"<Date>")
    return before + rest.partition(b"</Date>")[2]


def relayable(number: int | str, text: str = "", stream: str = "ivo://org.example/relay") -> bytes:
    """A small VOEvent that somebody else wrote."""
    return (
        '<?xml version="1.0"?>\n'
        '<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test" '
        f'ivorn="{stream}#{number}"><Who><AuthorIVORN>ivo://org.example/author</AuthorIVORN></Who>'
        f"<What><Description>{text}</Description></What></voe:VOEvent>"
    ).encode()
