"""What generated translators call: checks and small renderings that are the same for all of them."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bridge.errors import PacketError, UsageError
from bridge.mapping.content import Cutout, Inference
from bridge.mapping.elements import described
from bridge.mapping.fit import Attachment
from bridge.mapping.times import SCALES
from bridge.voevent.ids import is_acceptable, local_id
from bridge.voevent.xmltext import escape

__all__ = [
    "check_date",
    "check_position",
    "citation",
    "cutout_renderer",
    "error_radius",
    "flag_names",
    "inference_renderer",
    "instant_renderer",
    "ivorn_renderer",
    "object_key",
    "uri_renderer",
]

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d(\.\d+)?Z?\Z")
PLAIN = re.compile(r"[A-Za-z0-9_.-]+\Z")
HOLE = re.compile(r"\{([^{}]*)\}")


def check_date(date: str) -> bytes:
    """Who/Date as bytes; the XSD refuses a leap second, so it is refused here."""
    if DATE.match(date) is None:
        raise UsageError(
            f"Date {date!r} is not a UTC time as a VOEvent wants it: YYYY-MM-DDThh:mm:ss, second 0 to 59."
        )
    return date.encode()


def citation(cites: str) -> bytes:
    """Citations with one followed-up event."""
    if not is_acceptable(cites):
        raise UsageError(f"{cites!r} cannot be cited: it is not an IVORN (ivo://authority/stream#local).")
    return b'\n<Citations><EventIVORN cite="followup">%b</EventIVORN></Citations>' % escape(cites)


def check_position(ra_deg: Any, dec_deg: Any, ra_path: str, dec_path: str) -> None:
    """Refuse a position that is not one: an event without position is worth nothing to a telescope."""
    for value, low, high, path in ((ra_deg, 0.0, 360.0, ra_path), (dec_deg, -90.0, 90.0, dec_path)):
        if value is None:
            raise PacketError(f"position is missing: {path} is null", field=path)
        if not low <= value <= high:
            raise PacketError(f"position is impossible: {path} is {value!r}", field=path)


def error_radius(default: bytes) -> Callable[..., bytes]:
    """Radius from one-sigma errors in degrees on the sky (quadratic sum, four digits), or the default."""

    def radius(*errors: float | None) -> bytes:
        if any(error is None or not 0 <= error < 90 for error in errors):
            return default
        return b"%.4g" % math.hypot(*(error for error in errors if error is not None))

    return radius


def instant_renderer(path: str, scale: str) -> Callable[..., str]:
    """Function ``(time, exposure time) -> ISO time`` that names its field when it fails."""
    convert = SCALES[scale]

    def instant(value: Any, exposure_s: float | None = None) -> str:
        if value is None:
            raise PacketError(f"time is missing: {path} is null", field=path)
        # An exposure time that cannot be one (a sentinel, NaN) leaves the time of the field itself.
        half = exposure_s / 2 if exposure_s is not None and 0 < exposure_s < 86_400 else 0.0
        try:
            return convert(value, half)
        except PacketError as error:
            raise PacketError(error.reason, field=path) from error

    return instant


def ivorn_renderer(prefix: str, template: str, paths: Sequence[str]) -> Callable[..., str]:
    """Function ``values -> IVORN``: a missing identifier costs the packet."""
    stream, local = template.split("#")
    pieces = HOLE.split(local)[::2]

    def ivorn(*values: Any) -> str:
        out = [prefix, stream, "#", pieces[0]]
        for path, value, piece in zip(paths, values, pieces[1:], strict=True):
            if value is None or value == "":
                raise PacketError(f"identifier is missing: {path} is empty", field=path)
            out += (str(value) if isinstance(value, int) else local_id(str(value)), piece)
        return "".join(out)

    return ivorn


def uri_renderer(template: str, about: str, absent: frozenset[Any]) -> Callable[..., bytes]:
    """Function ``values -> Reference``, empty where a value is missing."""
    pieces = [escape(piece) for piece in HOLE.split(template)[::2]]
    kind = b' type="%b"' % escape(about) if about else b""

    head, tail = b'\n<Reference uri="' + pieces[0], b'"' + kind + b"/>"

    def uri(*values: Any) -> bytes:
        out = [head]
        for value, piece in zip(values, pieces[1:], strict=True):
            if value is None or value in absent:
                return b""
            text = str(value)
            out += (text.encode() if PLAIN.match(text) else escape(quote(text, safe="")), piece)
        out.append(tail)
        return b"".join(out)

    return uri


def object_key(absent: frozenset[Any]) -> Callable[..., str]:
    """Function giving the first of several names that is there."""

    def key(*values: Any) -> str:
        for value in values:
            if value is not None and value not in absent:
                return str(value)
        return ""

    return key


def flag_names(names: Sequence[str]) -> Callable[[Sequence[bool | None]], tuple[bytes, bytes]]:
    """Function ``flags -> (names of those true, names of those null)``."""
    encoded = [escape(name) for name in names]

    def named(values: Sequence[bool | None]) -> tuple[bytes, bytes]:
        # A truth-test first: hardly any flag is set.
        true = b" ".join([name for name, value in zip(encoded, values, strict=True) if value])
        if None not in values:
            return true, b""
        return true, b" ".join([name for name, value in zip(encoded, values, strict=True) if value is None])

    return named


def inference_renderer(inference: Inference) -> Callable[..., bytes]:
    """Function ``(probability, its text, concept) -> Inference``, empty where the score is none.

    A class is a Concept. The element Name is left alone: it is the name of an astronomical source (VOEvent
    2.0, section 3.5), and "SuperNNova" is none.
    """
    relation = b' relation="%b"' % escape(inference.relation) if inference.relation else b""
    fixed, codes = inference.concept, inference.codes or {}
    by_whom = described(": ".join(text for text in (inference.name, inference.about) if text))
    alone = described(inference.about)

    def rendered(probability: float | None, text: bytes | None, concept: Any = None) -> bytes:
        if probability is None or text is None or not 0 <= probability <= 1:
            return b""
        word = fixed
        if concept is not None:
            word = codes.get(str(concept), str(concept))
        said = by_whom if word else alone
        concept_text = escape(word or inference.name)
        return b'\n<Inference probability="%b"%b><Concept>%b</Concept>%b</Inference>' % (
            text, relation, concept_text, said,
        )  # fmt: skip

    return rendered


def cutout_renderer(
    cutout: Cutout, how: str | Path, base_url: str = ""
) -> Callable[[bytes | None, str], Attachment | bytes | None]:
    """Function ``(image, IVORN) -> attachment or Reference``; None where there is no image."""
    name = escape(cutout.name)
    mimetype = b"application/gzip" if cutout.format == "fits.gz" else b"image/fits"
    about = escape(cutout.about or f"cutout, {cutout.format}")
    embedded = b'\n<Param name="%b" dataType="string"><Description>%b, base64</Description><Value>' % (
        name,
        about,
    )

    def embed(image: bytes | None, ivorn: str) -> Attachment | None:
        del ivorn
        if not image:
            return None
        xml = embedded + base64.b64encode(image) + b"</Value></Param>"
        return Attachment(cutout.name, xml)

    def refer(image: bytes | None, ivorn: str) -> bytes | None:
        if not image:
            return None
        local = quote(ivorn.split("#", 1)[1], safe="")
        if isinstance(how, Path):
            path = how / f"{ivorn.rsplit('/', 1)[1].replace('#', '_')}_{cutout.name}.{cutout.format}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(image)
            uri = f"{base_url.rstrip('/')}/{quote(path.name)}" if base_url else path.resolve().as_uri()
        else:
            uri = how.replace("{id}", local).replace("{name}", quote(cutout.name, safe=""))
        return b'\n<Reference uri="%b" type="%b" mimetype="%b"/>' % (escape(uri), about, mimetype)

    return embed if how == "embed" else refer
