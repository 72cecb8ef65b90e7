"""``voevent-bridge schemas``: which alert schemas are known, what is in them, and how to get more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from bridge.alerts.fields import list_fields
from bridge.alerts.registry import LSST_REGISTRY, Registry
from bridge.alerts.schema_files import load_schema_file
from bridge.alerts.store import SchemaEntry, SchemaStore, open_store
from bridge.alerts.user_schemas import keep_schema, schema_from_file
from bridge.cli.options import CommandGroup, InFile
from bridge.cli.shared import print_table
from bridge.errors import UsageError

__all__ = ["command"]

SCHEMAS_HELP = "Folder with more schemas, asked before all others."


@click.group(cls=CommandGroup)
def command() -> None:
    """List, show, add and fetch alert schemas.

    \b
    Example:
      voevent-bridge schemas list
    """


@command.command("list")
@click.option("--schemas", metavar="DIR", help=SCHEMAS_HELP)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def list_(schemas: str | None, as_json: bool) -> None:
    """List the schemas that are known, those that are asked first at the top.

    \b
    Example:
      voevent-bridge schemas list
    """
    store = open_store(schemas)
    rows = [_row(store, entry) for entry in store.entries()]
    if as_json:
        _write_json(rows)
        return
    cells = [
        (
            "-" if row["id"] is None else str(row["id"]),
            row["short_name"],
            row["name"] or "unreadable",
            row["source"],
        )
        for row in rows
    ]
    print_table(("id", "short name", "full name", "source"), cells, right="id")


@command.command()
@click.argument("name")
@click.option("--schemas", metavar="DIR", help=SCHEMAS_HELP)
@click.option("--json", "as_json", is_flag=True, help="The schema itself, as JSON.")
def show(name: str, schemas: str | None, as_json: bool) -> None:
    """Show the fields of a schema.

    NAME is a full name (lsst.v10_0.alert), a short name (ztf/4.02), an id (1000), or a file: a schema or an
    alert in an Avro container.

    \b
    Examples:
      voevent-bridge schemas show lsst/10.0
      voevent-bridge schemas show alert.avro --json > alert.avsc
    """
    if Path(name).is_file():
        schema = schema_from_file(Path(name))
    else:
        schema = load_schema_file(open_store(schemas).entry(name).file.path)
    if as_json:
        _write_json(schema.json)
        return
    rows = [
        (
            field.path,
            f"{field.type}{' or null' if field.nullable else ''}{' []' if field.kind == 'column' else ''}",
            field.doc,
        )
        for field in list_fields(schema)
    ]
    print_table(("field", "type", "description"), rows, title=f"{schema.name} {schema.fingerprint[:16]}")


@command.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=InFile())
@click.option("--id", "schema_id", type=int, help="Id of the schema in the wire format (for one FILE).")
def add(files: tuple[Path, ...], schema_id: int | None) -> None:
    """Keep schemas for later commands.

    FILE is a schema, with the parts that it refers to beside it, or an alert in an Avro container. LSST's
    schemas have their ids in their names.

    \b
    Examples:
      voevent-bridge schemas add lsst.v12_0.alert.avsc
      voevent-bridge schemas add other.avsc --id 7
    """
    if schema_id is not None and len(files) > 1:
        raise UsageError("--id belongs to one schema; add the files one by one.")
    for file in files:
        schema = schema_from_file(file)
        click.echo(f"{schema.name} is kept in {keep_schema(schema, schema_id)}", err=True)


@command.command()
@click.argument("ids", nargs=-1, type=int)
@click.option("--from", "url", default=LSST_REGISTRY, show_default=True, help="URL of the schema registry.")
@click.option("--subject", help="Fetch the latest schema under this subject.")
def fetch(ids: tuple[int, ...], url: str, subject: str | None) -> None:
    """Fetch schemas from a registry by their IDS and keep them for later commands.

    \b
    Examples:
      voevent-bridge schemas fetch 1101
      voevent-bridge schemas fetch --subject alert-packet
      voevent-bridge schemas fetch 7 --from https://registry.example.org
    """
    if not ids and subject is None:
        raise UsageError("Say which schemas to fetch: one id or more, or --subject NAME.")
    registry = Registry(url)
    found = [(schema_id, registry.fetch(schema_id)) for schema_id in ids]
    if subject is not None:
        found.append(registry.fetch_latest(subject))
    for schema_id, schema in found:
        click.echo(f"{schema_id}: {schema.name} is kept in {keep_schema(schema, schema_id)}", err=True)


def _row(store: SchemaStore, entry: SchemaEntry) -> dict[str, Any]:
    file = entry.file
    return {
        "id": store.id_of(entry),
        "short_name": file.alias,
        "name": store.name_of(entry),
        "source": entry.source,
        "path": str(file.path),
    }


def _write_json(value: Any) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
