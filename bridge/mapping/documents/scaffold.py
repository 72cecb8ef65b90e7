"""Writes a commented first mapping for JSON notices of a kind that has none, from one of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bridge.errors import PacketError
from bridge.mapping.documents.notice import Notice
from bridge.mapping.documents.paths import first_value
from bridge.mapping.library import load_mapping
from bridge.mapping.toml_text import toml_key, toml_text

__all__ = ["write_notice_scaffold"]

GENERIC = "generic-json"
ID_NAMES = (
    *("id", "alert_id", "event_id", "eventId", "objectId", "object_id", "candid", "event_name", "name"),
)
FIRST_JULIAN_DATE = 2_400_000.5
"""Day 0 of the Modified Julian Date: what is larger is a Julian Date."""

_PLAIN = re.compile(r"[^.\[\]]+")
_URL_VERSION = re.compile(r"v\d+(\\\.\d+)*")


def write_notice_scaffold(notice: Notice) -> str:
    """Make a mapping file for notices like this one, as TOML text.

    Position, time and identifier are filled in from well-known names where the notice has them; what cannot
    be known from one notice is marked with ``CHANGE`` in a comment. Every value is a Param; lists, and what
    other notices have more, go in under their own names (``rest = true``).

    Parameters
    ----------
    notice
        The notice.

    Raises
    ------
    PacketError
        If it is empty.
    """
    content = notice.content
    generic = load_mapping(GENERIC)
    values = dict(_scalars(content))
    url = content.get("$schema")
    identifier = first_value(content, ID_NAMES)[1] or _near(values, "id")
    ra = first_value(content, generic.place.ra)[1] or _near(values, "ra", number=True)
    dec = first_value(content, generic.place.dec)[1] or _near(values, "dec", number=True)
    error = first_value(content, generic.place.error)[1]
    time, scale = _time(values, [(each.paths, each.scale) for each in generic.instants])
    tops = list(dict.fromkeys(path.split(".")[0] for path in (identifier, ra, dec, time) if path))
    claims = tops or [name for name in content if _is_plain(name)][:3]
    if not claims:
        raise PacketError("it has no field that a mapping could name")
    out = [
        "# Mapping for JSON notices: a first draft to edit, made from one notice.",
        "# Lines marked CHANGE were guessed. Add a ucd (UCD1+), a unit (VOUnit) and a description (is) to",
        "# each value; then run: voevent-bridge mapping check FILE --notice NOTICE",
        "",
        'title = "Notices of ..."    # CHANGE: whose',
        'reads = "documents"',
        "rest = true    # what nothing names goes in under its own name",
        "",
        "[match]",
        *([f"schema_url = {_literal(_pattern(url))}"] if isinstance(url, str) else []),
        *([f"topic = {_literal(re.escape(notice.topic))}"] if notice.topic else []),
        f"fields = [{', '.join(map(toml_text, claims))}]    # CHANGE: what tells them from others",
        "",
        "[event]",
        f"id = {toml_text('notices#' + (f'{{{identifier}}}-' if identifier else '') + '{digest}')}"
        "    # CHANGE the stream's name",
        *([f"object = {toml_text(identifier)}"] if identifier else []),
        'role = "observation"',
        '# cite_rules = [{ path = "...", equals = "...", cite = "retraction" }]',
        "",
        "[who]",
        'about = "Translated from a JSON notice without human intervention."',
        '# contributors = ["..."]    # CHANGE: whose data these are',
        "",
        *_where(ra, dec, error),
        *_when(time, scale),
        "[params]",
        *(_line(path) for path in values if "." not in path and path != "$schema"),
        "",
    ]
    for group in dict.fromkeys(path.split(".")[0] for path in values if "." in path):
        out += ["[[group]]", f"name = {toml_text(group)}", "[group.params]"]
        out += [_line(path) for path in values if path.startswith(f"{group}.")]
        out.append("")
    return "\n".join(out).rstrip("\n") + "\n"


def _scalars(content: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Paths of single values; names that a path cannot have are left to ``rest``."""
    for name, value in content.items():
        if not _is_plain(name) or value is None:
            continue
        if isinstance(value, dict):
            yield from _scalars(value, f"{above}{name}.")
        elif not isinstance(value, list):
            yield f"{above}{name}", value


def _is_plain(name: str) -> bool:
    return name.isprintable() and _PLAIN.fullmatch(name) is not None


def _near(values: dict[str, Any], wanted: str, *, number: bool = False) -> str:
    """The shortest path one of whose words is the wanted one: a person decides."""
    near = [
        path
        for path, value in values.items()
        if wanted in re.split(r"[^a-z]+", path.rsplit(".", 1)[-1].lower())
        and (not number or (isinstance(value, int | float) and not isinstance(value, bool)))
    ]
    return min(near, key=len, default="")


def _time(values: dict[str, Any], known: Sequence[tuple[tuple[str, ...], str]]) -> tuple[str, str]:
    for paths, scale in known:
        for path in paths:
            if path in values and isinstance(values[path], str) == (scale == "iso_utc"):
                return path, scale
    for word in ("time", "date", "mjd", "jd"):
        path = _near(values, word)
        if path:
            value = values[path]
            if isinstance(value, str):
                return path, "iso_utc"
            return path, "jd_utc" if value > FIRST_JULIAN_DATE else "mjd_utc"
    return "", "iso_utc"


def _where(ra: str, dec: str, error: str) -> list[str]:
    mark = "" if ra and dec else "# "
    return [
        "[where]",
        f"{mark}ra = {toml_text(ra or '...')}    # CHANGE if it is not in degrees",
        f"{mark}dec = {toml_text(dec or '...')}",
        *([f"{mark}error = {toml_text(error)}"] if error else []),
        f"{mark}error_deg = 2.78e-4    # CHANGE: one arcsecond is assumed",
        "",
    ]


def _when(time: str, scale: str) -> list[str]:
    doubt = (
        "if it is not: iso_utc, jd_utc, mjd_utc, mjd_tai" if time else "both: nothing here looks like a time"
    )
    return [
        "[when]",
        f"path = {toml_text(time or 'time')}",
        f"scale = {toml_text(scale)}    # CHANGE {doubt}",
        "",
    ]


def _line(path: str) -> str:
    name = path.split(".", 1)[-1] if "." in path else path
    given = f" path = {toml_text(path)} " if name != path else ""
    return f"{toml_key(name)} = {{{given}}}"


def _literal(pattern: str) -> str:
    """A regular expression without doubled backslashes, where TOML can have it so."""
    return f"'{pattern}'" if "'" not in pattern and pattern.isprintable() else toml_text(pattern)


def _pattern(url: str) -> str:
    """A regular expression for the schema's URL in any of its versions."""
    return _URL_VERSION.sub(r"v[0-9.]+", re.escape(url))
