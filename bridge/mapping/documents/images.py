"""Sky maps and other images of a notice: saved as files that the packet refers to, or put into it.

A gravitational-wave alert carries its sky map as base64 text of hundreds of kilobytes, more than a packet may
hold. Receivers expect a URL or a file name, so it becomes a file in the folder that the user names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bridge.errors import PacketError
from bridge.mapping import elements
from bridge.mapping.content import Cutout, Value
from bridge.mapping.documents.params import param_element
from bridge.mapping.documents.paths import value_at
from bridge.mapping.fit import Attachment
from bridge.mapping.options import TranslateOptions
from bridge.voevent.xmltext import escape

__all__ = ["Images", "image_bytes"]

GZIP = b"\x1f\x8b"
LONGEST = 150
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]")


def image_bytes(content: dict[str, Any], path: str) -> bytes | None:
    """The bytes of an image: bytes in Avro, base64 text in JSON; None where there is none.

    Raises
    ------
    PacketError
        If a text is not base64.
    """
    raw = value_at(content, path)
    if raw is None or isinstance(raw, bytes):
        return raw or None
    if not isinstance(raw, str):
        raise PacketError(f"image {path} is neither base64 text nor bytes", field=path)
    try:
        return base64.b64decode("".join(raw.split()), validate=True) or None
    except (binascii.Error, ValueError):
        raise PacketError(f"image {path} is not base64", field=path) from None


class Images:
    """Writes what becomes of the images of one notice.

    Parameters
    ----------
    cutouts
        The images that the mapping names.
    options
        Whether they are left out, embedded, or saved, and under which URL.

    Attributes
    ----------
    params
        Group to Params that refer to saved files.
    references
        References, for those that the mapping puts into no Group.
    attachments
        Embedded images, which go when the packet would be too large.
    notes
        Descriptions of what was left out.
    """

    def __init__(self, cutouts: tuple[Cutout, ...], options: TranslateOptions) -> None:
        self._cutouts = cutouts
        self._options = options
        self.params: dict[str, list[bytes]] = {}
        self.references: list[bytes] = []
        self.attachments: list[Attachment] = []
        self.notes: list[bytes] = []

    def take(self, content: dict[str, Any], ivorn: str) -> None:
        """Look at the images of a notice, and save those that are to be saved.

        Raises
        ------
        PacketError
            If one is not base64.
        OSError
            If one cannot be saved.
        """
        for cutout in self._cutouts:
            image = image_bytes(content, cutout.path)
            if image is None:
                continue
            if self._options.cutouts == "omit":
                name = cutout.about or cutout.name
                note = f"The notice has a {name} ({len(image)} bytes), which is left out here."
                self.notes.append(elements.described(note))
            elif self._options.cutouts == "embed":
                self._embed(cutout, image)
            else:
                self._refer(cutout, image, ivorn)

    def _embed(self, cutout: Cutout, image: bytes) -> None:
        about = elements.described(f"{cutout.about or cutout.name}, base64")
        head = b'\n<Param name="%b" dataType="string">%b<Value>' % (escape(cutout.name), about)
        self.attachments.append(Attachment(cutout.name, head + base64.b64encode(image) + b"</Value></Param>"))

    def _refer(self, cutout: Cutout, image: bytes, ivorn: str) -> None:
        uri = self._place(cutout, image, ivorn)
        if cutout.param:
            value = Value(name=cutout.param, paths=(), ucd="meta.ref.url", about=cutout.about)
            self.params.setdefault(cutout.group, []).append(param_element(value, (uri, "string")))
        else:
            kind = b"application/gzip" if image.startswith(GZIP) else b"application/fits"
            self.references.append(
                b'\n<Reference uri="%b" type="%b" mimetype="%b"/>'
                % (escape(uri), escape(cutout.about or cutout.name), kind)
            )

    def _place(self, cutout: Cutout, image: bytes, ivorn: str) -> str:
        """Where the image is to be found, after it was saved if that is asked for."""
        where = self._options.cutouts
        local = quote(ivorn.split("#", 1)[1], safe="")
        if isinstance(where, str):
            return where.replace("{id}", local).replace("{name}", quote(cutout.name, safe=""))
        gzipped = image.startswith(GZIP) and not cutout.format.endswith(".gz")
        plain = ivorn.rsplit("/", 1)[1].replace("#", "_")
        stem = _UNSAFE.sub("_", plain)[:LONGEST]
        if stem != plain:
            # Two names that differ in what a file's name cannot hold are two files, and any name can be one.
            stem += f"-{hashlib.sha256(ivorn.encode()).hexdigest()[:8]}"
        path = where / f"{stem}_{cutout.name}.{cutout.format}{'.gz' * gzipped}"
        _save(path, image)
        base = self._options.cutouts_url
        return f"{base.rstrip('/')}/{quote(path.name)}" if base else path.resolve().as_uri()


def _save(path: Path, image: bytes) -> None:
    """Write a file that is never seen half-written: the packet that names it may be read at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(image)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
