"""Writes a commented first mapping for a schema that has none: a file to edit, which already works."""

from __future__ import annotations

import re

from bridge.alerts.fields import Field, list_fields
from bridge.alerts.schema import Schema
from bridge.mapping.library import GENERIC, load_mapping
from bridge.mapping.model import first_path
from bridge.mapping.rest import with_rest
from bridge.mapping.toml_text import toml_key, toml_text

__all__ = ["write_scaffold"]


def write_scaffold(schema: Schema) -> str:
    """A mapping file for a schema, as TOML text.

    Position, time and identifier are filled in from well-known names where the schema has them; what cannot
    be guessed is marked with ``CHANGE`` in a comment. Every scalar is a Param, every array a Table.

    Parameters
    ----------
    schema
        The writer schema.
    """
    generic = load_mapping(GENERIC)
    whole = with_rest(generic, schema)
    fields = {field.path: field for field in list_fields(schema)}
    ids = re.findall(r"\{([^{}]*)\}", generic.event_id)[-1].split("|")
    event_id = first_path(schema, tuple(ids)) or _guess(fields, "id")
    ra = first_path(schema, generic.place.ra) or _guess(fields, "ra")
    dec = first_path(schema, generic.place.dec) or _guess(fields, "dec")
    instant = next((item for item in generic.instants if first_path(schema, item.paths)), None)
    time = (first_path(schema, instant.paths) if instant else None) or _guess(fields, "time")
    stream = re.sub(r"[^a-z0-9-]+", "-", schema.name.lower()).strip("-") or "alert"
    objects = [path for path in generic.object_key if first_path(schema, (path,))]
    out = [
        f"# Mapping for alerts of schema {schema.name}: a first draft to edit.",
        "# Lines marked CHANGE were guessed. Add a ucd (UCD1+) and a unit (VOUnit) to each value, take out",
        "# what nobody wants and say why under [left_out]; then run:",
        "# voevent-bridge mapping check FILE --schema SCHEMA",
        "",
        f"title = {toml_text('Alert of ' + schema.name)}",
        "",
        "[match]",
        f"name = '{re.escape(schema.name)}'",
        f"fields = [{', '.join(map(toml_text, dict.fromkeys((event_id, ra, dec, time))))}]",
        "",
        "[event]",
        f"id = {toml_text(stream + '#{' + event_id + '}')}    # CHANGE the stream's name if it is not good",
        *([f"object = {toml_text(objects[0])}"] if objects else []),
        'role = "observation"',
        'absent = ["", "null", "nan", "None"]      # CHANGE: add numbers that mean "none", such as -999.0',
        "",
        "[who]",
        'about = "Translated from an Avro alert without human intervention."',
        '# contributors = ["..."]                  # CHANGE: whose data these are',
        "",
        "[where]",
        f"ra = {toml_text(ra)}",
        f"dec = {toml_text(dec)}",
        "error_deg = 2.78e-4                       # CHANGE: one arcsecond is assumed",
        'system = "UTC-ICRS-TOPO"',
        "",
        "[when]",
        f"path = {toml_text(time)}",
        f"scale = {toml_text(instant.scale if instant else 'mjd_utc')}"
        "                        # CHANGE if it is not: jd_utc, mjd_utc, mjd_tai",
        "",
    ]
    for group in whole.groups:
        out += ["[[group]]", f"name = {toml_text(group.name)}", "[group.params]"]
        out += [_line(value.name, value.paths[0], value.about) for value in group.params]
        out.append("")
    for table in whole.tables:
        out += ["[[table]]", f"name = {toml_text(table.name)}", f"from = {toml_text(table.source[0])}"]
        out += [f"time = {toml_text(table.time)}"] if table.time else []
        out += ["[table.columns]"]
        out += [_line(value.name, value.paths[0], value.about) for value in table.columns]
        out.append("")
    bulk = [field for field in fields.values() if field.type in ("bytes", "fixed")]
    out.append("[left_out]")
    out += [f"{toml_text(field.path)} = {toml_text('bulk')}" for field in bulk]
    return "\n".join(out) + "\n"


def _line(name: str, path: str, about: str) -> str:
    key = toml_key(name)
    parts = [f"path = {toml_text(path)}"] if path != name else []
    parts += [f"is = {toml_text(about)}"] if about else []
    return f"{key} = {{ {', '.join(parts)} }}" if parts else f"{key} = {{}}"


def _guess(fields: dict[str, Field], wanted: str) -> str:
    """The shortest path that looks like what is wanted, or the first field: a person decides."""
    near = sorted((path for path in fields if wanted in path.rsplit(".", 1)[-1].lower()), key=len)
    return near[0] if near else next(iter(fields), wanted)
