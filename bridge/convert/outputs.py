"""Where converted events go: a folder, a tar archive, one file, or standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO, Protocol

from bridge.convert.event_container import ContainerEventSink
from bridge.convert.event_sink import EventSink
from bridge.convert.forms import FORMS, Form
from bridge.errors import SourceError, UsageError
from bridge.streams.outlets import FolderOutlet, Outlet, TarOutlet
from bridge.streams.sink import writing
from bridge.streams.source import refuse_brokers
from bridge.voevent.event import Event
from bridge.voevent.naming import event_file_name

__all__ = ["EventSink", "open_event_sink"]

_WHAT = {"voevent": "VOEvents", "avro": "VOEvents in Avro", "json": "VOEvents in JSON"}


def open_event_sink(out: str, to: str = "voevent", *, keep_xml: bool = False) -> EventSink:
    """Open a place for events by its name.

    Parameters
    ----------
    out
        ``-`` for standard output (one event after the other: XML with its declaration, JSON on a line, or an
        Avro container); a name ending in ``.tar``, ``.tar.gz`` or ``.tgz``; ``.avro`` for a container of
        all events in Avro; ``.xml`` or ``.json`` for one single event; else a folder, one file per event.
    to
        What to write events as: voevent (XML), avro or json.
    keep_xml
        Keep the bytes of the XML beside what is made of them.

    Raises
    ------
    UsageError, SourceError
        If it is of no such kind, or cannot be written.
    """
    refuse_brokers(out, "written")
    form = FORMS[to].keeping_xml() if keep_xml else FORMS[to]
    if not out:
        raise UsageError("The output has an empty name; give a folder, a .tar, .tar.gz, .xml, or '-'.")
    if out == "-":
        if sys.stdout is None:
            raise UsageError("There is no standard output to write to: it is closed. Name a folder with -o.")
        if to == "avro":
            return _container(sys.stdout.buffer, keep_xml=keep_xml)
        return _PipeSink(sys.stdout.buffer, form)
    path = Path(out)
    name = path.name.lower()
    if path.is_dir():
        return _OutletSink(FolderOutlet(path, unique=False), form)
    if name.endswith((".tar", ".tar.gz", ".tgz")):
        return _OutletSink(TarOutlet(path), form)
    if to == "avro" and name.endswith(".avro"):
        return _container(path, keep_xml=keep_xml)
    if name.endswith(form.suffix):
        return _OneFileSink(path, form)
    for other in FORMS.values():
        if name.endswith(other.suffix) and not path.exists():
            raise UsageError(
                f"{path} cannot take {_WHAT[to]}: give --to {other.name}, or name a folder, a .tar, .tar.gz, "
                f"{form.suffix}, or '-'."
            )
    if path.exists() or name.endswith((".jsonl", ".gz", ".zip")):
        raise UsageError(
            f"{path} cannot take {_WHAT[to]}: name a folder, a .tar, .tar.gz, {form.suffix}, or '-'."
        )
    return _OutletSink(FolderOutlet(path, unique=False), form)


class _ClosableOutlet(Outlet, Protocol):
    def close(self) -> None: ...

    def discard(self) -> None: ...


class _OutletSink(EventSink):
    def __init__(self, outlet: _ClosableOutlet, form: Form) -> None:
        self._outlet = outlet
        self._form = form

    def write(self, event: Event) -> None:
        self._put(event, "")

    def write_edition(self, event: Event) -> None:
        self._put(event, event.digest)

    def _put(self, event: Event, edition: str) -> None:
        self._outlet.put(event_file_name(event.ivorn, edition, self._form.suffix), self._form.encode(event))

    def close(self) -> None:
        self._outlet.close()

    def discard(self) -> None:
        self._outlet.discard()


class _OneFileSink(EventSink):
    def __init__(self, path: Path, form: Form) -> None:
        self._path = path
        self._form = form
        self._outlet = FolderOutlet(path.parent)
        self._written = False

    def write(self, event: Event) -> None:
        if self._written:
            raise SourceError(
                f"{self._path} holds the first event, and there are more: a {self._form.suffix} file has "
                "room for one. Name a folder or a .tar.gz with -o."
            )
        self._outlet.put(self._path.name, self._form.encode(event))
        self._written = True


class _PipeSink(EventSink):
    def __init__(self, stream: BinaryIO, form: Form) -> None:
        self._stream = stream
        self._form = form

    def write(self, event: Event) -> None:
        data = self._form.encode(event)
        with writing("Standard output"):
            self._stream.write(data if data.endswith(b"\n") else data + b"\n")

    def close(self) -> None:
        with writing("Standard output"):
            self._stream.flush()


def _container(target: Path | BinaryIO, *, keep_xml: bool) -> EventSink:
    if not isinstance(target, Path) and sys.stdout.isatty():
        raise UsageError(
            "Avro is binary and would spoil the terminal; send '-' to a pipe, or name a file with -o."
        )
    return ContainerEventSink(target, keep_xml=keep_xml)
