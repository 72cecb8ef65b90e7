"""Arguments and options that several commands have, the kinds of values that they take, groups of commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bridge.errors import SchemaError

if TYPE_CHECKING:
    from bridge.mapping import TranslateOptions

__all__ = [
    "CommandGroup",
    "InFile",
    "OutPath",
    "SchemaFile",
    "dead_letters_option",
    "input_argument",
    "journal_option",
    "kafka_option",
    "once_option",
    "schema_option",
    "schemas_option",
    "summary_option",
    "tls_options",
    "translate_options",
    "translation_options",
]

Command = Callable[..., Any]


class CommandGroup(click.Group):
    """A group of commands, of each of which its help has the whole first sentence."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        commands = [(name, self.commands[name]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(1000)) for name, command in commands])


class _Input(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """What a command works on: a path or ``-``. One that is not there costs itself, and is told later."""

    name = "input"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("The name is empty; give a file, a folder, a tar archive or '-'.", param, ctx)
        return value


class InFile(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A file or folder that a command works on, and that it cannot take from standard input."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; fails for names that are empty or mean standard input."""
        if value in ("", "-"):
            what = "Standard input ('-') is not read here" if value else "The name is empty"
            self.fail(f"{what}; give the name of a file.", param, ctx)
        return Path(value)


class OutPath(click.Path):
    """A place for files, which standard output is not."""

    def __init__(self, *, file_okay: bool = True, dir_okay: bool = True) -> None:
        super().__init__(file_okay=file_okay, dir_okay=dir_okay, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; fails for names that are empty or mean standard output."""
        if str(value) in ("", "-"):
            what = "Standard output ('-') has no room for files" if value else "The name is empty"
            self.fail(f"{what}; name a {'folder' if self.dir_okay else 'file'}.", param, ctx)
        return super().convert(value, param, ctx)


def input_argument(name: str, metavar: str, *, many: bool = True) -> Callable[[Command], Command]:
    """The argument of a command that works on files, folders and archives, one or (`many`) more."""
    return click.argument(name, metavar=metavar, nargs=-1 if many else 1, required=True, type=_Input())


class SchemaFile(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """A schema by the file that has it; one that cannot be used is wrong usage."""

    name = "schema"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The schema; fails where the file has none."""
        from bridge.alerts.user_schemas import schema_from_file

        if not isinstance(value, str):
            return value
        path = InFile().convert(value, param, ctx)
        try:
            return schema_from_file(path)
        except SchemaError as error:
            self.fail(str(error), param, ctx)


schema_option = click.option(
    "--schema", "default_schema", metavar="FILE", type=SchemaFile(),
    help="Schema (.avsc, or an alert that has it) that wrote bare Avro, which does not say it.",
)  # fmt: skip

schemas_option = click.option(
    "--schemas", metavar="DIR|URL", help="Folder or registry that knows the schemas of the wire format."
)

dead_letters_option = click.option(
    "--dead-letters", metavar="DIR", type=OutPath(file_okay=False),
    help="Keep what is refused in this folder, with the reason.",
)  # fmt: skip

once_option = click.option(
    "--once", is_flag=True, help="End with the messages that are there now, instead of waiting for more."
)

summary_option = click.option(
    "--json", "as_json", is_flag=True, help="Summary as one JSON document on standard output."
)

journal_option = click.option(
    "--journal", "path", metavar="FILE", default="voevent-bridge.journal", show_default=True,
    help="The journal's file.",
)  # fmt: skip

kafka_option = click.option(
    "--kafka-config", metavar="FILE|PRESET",
    help="Settings and credentials of the Kafka client; presets: ztf, lsst, fink, lasair, antares, gcn, hopskotch.",
)  # fmt: skip


def tls_options(command: Command) -> Command:
    """Options of a command that connects to a broker; they come as ``tls``, ``tls_ca``, and so on."""
    for option in reversed(
        (
            click.option(
                "--tls",
                is_flag=True,
                default=None,
                help="The connection is encrypted; also with any of the next three.",
            ),
            click.option(
                "--tls-ca",
                metavar="FILE",
                help="PEM file with the authorities by which the broker is trusted [the system's].",
            ),
            click.option(
                "--tls-certificate",
                "--tls-cert",
                "tls_certificate",
                metavar="FILE",
                help="PEM file with the certificate by which we prove ourselves.",
            ),
            click.option("--tls-key", metavar="FILE", help="PEM file with its private key [the same file]."),
        )
    ):
        command = option(command)
    return command


def translation_options(command: Command) -> Command:
    """Options of a command that makes VOEvents of alerts and notices."""
    for option in reversed(
        (
            click.option(
                "--mapping",
                metavar="NAME|FILE",
                help="Mapping for all alerts or notices (default: by their schema).",
            ),
            click.option(
                "--local-ivo", metavar="IVO", help="Author of the events; their IVORNs begin with it."
            ),
            click.option(
                "--role",
                type=click.Choice(["observation", "prediction", "utility", "test"]),
                help="Role of the events (default: the mapping's).",
            ),
            click.option(
                "--history", metavar="all|none|N", help="How much of the light curve goes in [all]."
            ),
            click.option(
                "--cutouts",
                metavar="omit|embed|DIR|URL",
                help="Images, sky maps: left out, inside as base64, or referred to in a folder or by URL [omit].",
            ),
            click.option(
                "--cutouts-url",
                metavar="URL",
                help="Where the folder of --cutouts is published, for references.",
            ),
        )
    ):
        command = option(command)
    return command


def translate_options(
    local_ivo: str | None,
    role: str | None,
    history: str | None,
    cutouts: str | None,
    cutouts_url: str | None = None,
) -> TranslateOptions:
    """The options given, over the defaults.

    Raises
    ------
    UsageError
        If one has no such value.
    """
    from bridge.mapping import TranslateOptions

    given: dict[str, Any] = {"local_ivo": local_ivo, "role": role, "cutouts_url": cutouts_url}
    if history is not None:
        given["history"] = int(history) if history.isdecimal() and history.isascii() else history
    if cutouts is not None:
        by_name = cutouts in ("omit", "embed") or "://" in cutouts
        given["cutouts"] = cutouts if by_name else Path(cutouts)
    return TranslateOptions(**{key: value for key, value in given.items() if value is not None})
