"""``voevent-bridge validate``: is this a VOEvent that brokers and readers can use, and if not, what to do."""

from __future__ import annotations

from pathlib import Path

import click
import orjson

from bridge.cli.options import OutPath, input_argument, schemas_option
from bridge.cli.shared import showing_progress
from bridge.errors import SourceError, UsageError
from bridge.wording import counted

__all__ = ["command"]


@click.command("validate")
@input_argument("inputs", "IN...")
@click.option("--strict", is_flag=True, help="Warnings fail a packet too.")
@click.option("--level", type=click.Choice(["error", "warning", "advice"]), default="warning", show_default=True,
              help="What is shown packet by packet; the summary counts all.")  # fmt: skip
@click.option("--ignore", metavar="RULE", multiple=True, help="Do not ask this rule (see docs/validate.md).")
@click.option("--json", "as_json", is_flag=True, help="All findings as one JSON document on standard output.")
@click.option("--sarif", metavar="FILE", type=OutPath(dir_okay=False),
              help="All findings as SARIF 2.1.0, which code hosts show beside the lines.")  # fmt: skip
@click.option("--junit", metavar="FILE", type=OutPath(dir_okay=False),
              help="A test case for each packet as JUnit XML, for reports of automated tests.")  # fmt: skip
@schemas_option
def command(
    inputs: tuple[str, ...],
    strict: bool,
    level: str,
    ignore: tuple[str, ...],
    as_json: bool,
    sarif: Path | None,
    junit: Path | None,
    schemas: str | None,
) -> int:
    """Validate VOEvents 1.1, 2.0 and 2.1.

    IN is a VOEvent, a folder, a tar archive, or - for standard input. The exit status is 1 where a packet has
    an error.

    \b
    Examples:
      voevent-bridge validate voevents/ --level advice
      voevent-bridge validate voevents.tar.gz --strict --ignore unit --junit report.xml
    """
    from rich.console import Console

    from bridge import __version__
    from bridge.alerts.store import open_store
    from bridge.streams.outlets import write_whole
    from bridge.validate import RULES, Checked, check_inputs
    from bridge.validate.machine import as_junit, as_plain, as_sarif
    from bridge.validate.rules_words import can_check_words
    from bridge.validate.summary import Summary
    from bridge.validate.text import packet_lines, summary_lines

    unknown = sorted(set(ignore) - RULES.keys())
    if unknown:
        raise UsageError(f"There is no rule {unknown[0]!r}; there are {', '.join(sorted(RULES))}.")
    summary = Summary(strict=strict)
    kept: list[Checked] = []
    console = Console(highlight=False, soft_wrap=True)
    with showing_progress("Validating") as say:
        for checked in check_inputs(inputs, open_store(schemas), ignore=ignore):
            summary.add(checked.verdict)
            if as_json or sarif or junit:
                kept.append(checked)
            if not as_json:
                for line in packet_lines(checked, level):  # type: ignore[arg-type]
                    console.print(line)
            say(f"{counted(summary.packets, 'packet')}, {summary.failed:,} fail")
    if not summary.packets:
        raise SourceError(f"There is nothing in {', '.join(inputs)}.")
    if sarif:
        write_whole(sarif, orjson.dumps(as_sarif(kept, __version__), option=orjson.OPT_INDENT_2))
    if junit:
        write_whole(junit, as_junit(kept, summary))
    if as_json:
        document = {**summary.document(), "results": [as_plain(checked) for checked in kept]}
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        words = can_check_words() or {"ucd", "unit"} <= set(ignore)
        for line in summary_lines(summary, words_checked=words, level=level):  # type: ignore[arg-type]
            console.print(line)
    return 1 if summary.failed else 0
