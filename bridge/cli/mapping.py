"""``voevent-bridge mapping``: which mappings there are, what they say, whether they are right, and a first draft."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from bridge.alerts.packet import Document, Origin
from bridge.alerts.schema import Schema
from bridge.alerts.store import open_store
from bridge.cli.options import CommandGroup, InFile, SchemaFile
from bridge.cli.shared import print_table
from bridge.errors import BridgeError, PacketError, UsageError
from bridge.mapping import Mapping, compile_translator, list_mappings, load_mapping
from bridge.mapping.check import check_documents, check_mapping, unchecked
from bridge.mapping.documents import Notice, notice_of_document
from bridge.mapping.draft import draft_mapping
from bridge.resources import mappings_folder
from bridge.small_files import read_small, read_small_text
from bridge.streams.outlets import write_whole
from bridge.voevent.event_shape import is_voevent_schema

__all__ = ["command"]

JSON_HELP = "One JSON document on standard output."
NOTICE_HELP = "JSON notice on which a mapping for JSON is tried; may be given several times."
SCHEMA_HELP = "Schema (.avsc) or alert file whose fields are looked up; may be given several times."


@click.group(cls=CommandGroup)
def command() -> None:
    """List, show, check and write mapping files.

    \b
    Example:
      voevent-bridge mapping list
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def list_(as_json: bool) -> None:
    """List the mappings that come with the program.

    \b
    Example:
      voevent-bridge mapping list
    """
    rows = [
        {
            "name": item.key,
            "title": item.title,
            "schemas": item.match.name,
            "reads": "documents" if item.reads_documents else "alerts",
            "params": len(item.params) + sum(len(group.params) for group in item.groups),
            "tables": [table.name for table in item.tables],
        }
        for item in list_mappings()
    ]
    if as_json:
        _write_json(rows)
        return
    cells = []
    for item, row in zip(list_mappings(), rows, strict=True):
        match = item.match
        named = (match.schema_url, match.topic and f"topic {match.topic}", match.name)
        claims = " or ".join(filter(None, named)) or ", ".join(match.fields) or "any other"
        cells.append(
            (item.key, str(row["reads"]), item.title, claims, str(row["params"]), str(len(item.tables)))
        )
    print_table(("name", "reads", "title", "claims", "params", "tables"), cells)


@command.command()
@click.argument("mapping")
@click.option(
    "--schema",
    "schema",
    metavar="FILE",
    type=SchemaFile(),
    help="Show the compiled translator for this schema.",
)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def show(mapping: str, schema: Schema | None, as_json: bool) -> None:
    """Show a mapping file, or the code that it compiles to.

    MAPPING is a name (ztf) or a TOML file.

    \b
    Examples:
      voevent-bridge mapping show ztf
      voevent-bridge mapping show ztf --schema alert.avro
    """
    found = load_mapping(mapping)
    if schema is not None:
        translator = compile_translator(found, schema)
        if as_json:
            _write_json({"mapping": found.key, "paths": translator.paths, "source": translator.source})
        else:
            click.echo(translator.source, nl=False)
        return
    packaged = mappings_folder() / f"{found.key}.toml"
    text = read_small_text(packaged if found.filename == packaged.name else Path(found.filename))
    if as_json:
        _write_json({"mapping": found.key, "title": found.title, "text": text})
    else:
        click.echo(text, nl=False)


@command.command()
@click.argument("mappings", nargs=-1, metavar="[MAPPING]...")
@click.option("--schema", "schemas", multiple=True, metavar="FILE", type=SchemaFile(), help=SCHEMA_HELP)
@click.option("--notice", "notice_files", multiple=True, metavar="FILE", type=InFile(), help=NOTICE_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def check(
    mappings: tuple[str, ...], schemas: tuple[Schema, ...], notice_files: tuple[Path, ...], as_json: bool
) -> int:
    """Find unknown fields, keys, conversions, UCDs and units in mapping files.

    Without MAPPING all that come with the program are checked; without --schema, against all schemas that are
    known. Mappings for JSON are tried on the notices given. The exit status is 1 if there is an error.

    \b
    Examples:
      voevent-bridge mapping check
      voevent-bridge mapping check mine.toml --schema alert.avro
      voevent-bridge mapping check mine.toml --notice notice.json
    """
    notices = [_read_notice(path) for path in notice_files]
    against = list(schemas) or _known_schemas()
    found: list[Mapping] = [load_mapping(name) for name in mappings] or list(list_mappings())
    faults = [("all", fault) for fault in unchecked()]
    for item in found:
        own = check_documents(item, notices) if item.reads_documents else check_mapping(item, against)
        faults += [(item.key, fault) for fault in own]
    rows = [
        {"mapping": key, "level": fault.level, "where": fault.where, "message": fault.message}
        for key, fault in faults
    ]
    errors = sum(row["level"] == "error" for row in rows)
    if as_json:
        _write_json({"mappings": [item.key for item in found], "errors": errors, "faults": rows})
    else:
        for row in rows:
            click.echo(f"{row['mapping']}: {row['level']}: {row['where']}: {row['message']}")
        click.echo(
            f"Mappings: {len(found)}; schemas: {len(against)}; errors: {errors}.",
            err=True,
        )
    return 1 if errors else 0


@command.command()
@click.argument("source", metavar="SCHEMA|ALERT|NOTICE", type=InFile())
@click.option(
    "-o", "--output", metavar="FILE", default="-", help="Where to write it; standard output otherwise."
)
def new(source: Path, output: str) -> None:
    """Write a commented first mapping for a schema (.avsc), the schema of an alert file, or a JSON notice.

    \b
    Examples:
      voevent-bridge mapping new alert.avro -o mine.toml
      voevent-bridge mapping new notice.json -o mine.toml
    """
    draft = draft_mapping(source)
    if output == "-":
        click.echo(draft.text, nl=False)
        return
    target = Path(output)
    if target.exists():
        raise UsageError(f"{target} exists and is not overwritten: give another name.")
    write_whole(target, draft.text.encode())
    click.echo(f"Wrote {target}; {draft.subject} had {draft.before!r} so far.", err=True)


def _known_schemas() -> list[Schema]:
    store = open_store()
    schemas = []
    for entry in store.entries():
        try:
            schemas.append(store.by_name(entry.file.alias))
        except BridgeError as error:
            click.echo(f"A schema is passed over: {error}", err=True)
    # A VOEvent needs no mapping, in whatever form it comes.
    return [schema for schema in dict.fromkeys(schemas) if not is_voevent_schema(schema.name)]


def _read_notice(path: Path) -> Notice:
    try:
        return notice_of_document(Document(read_small(path), "json", Origin(str(path), 0)))
    except OSError as error:
        raise UsageError(f"--notice {path} cannot be read ({error.strerror or error}).") from error
    except PacketError as error:
        raise UsageError(f"--notice {path}: {error.reason}.") from error


def _write_json(value: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
