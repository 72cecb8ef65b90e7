"""``voevent-bridge bench``: measures this machine, each time beside a named peer in the same run."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson

from bridge.errors import UsageError

__all__ = ["BENCHMARKS", "command"]

BENCHMARKS = {
    "encodings": "Avro beside XML, JSON, MessagePack and Parquet: sizes, times, and what papers claim",
    "filters": "a hundred filters over one visit, beside a full decode with predicates by hand",
    "journal": "searches of a journal of a million events, and publishing while old ones go, beside an R*Tree",
    "lens": "single fields and light curves of an alert, beside fastavro",
    "translate": "alert bytes to VOEvent bytes, beside fastavro and voevent-parse",
}
"""Modules of the folder ``benchmarks/``: each has ``measure(*, rounds)`` and ``report(result)``.

``measure`` may take ``progress``, a function that is told what goes on; ``files(result)``, where there is one,
gives what else is written with ``-o``, by file name.
"""


@click.group("bench")
def command() -> None:
    """Measure this machine, each time beside a named peer in the same run.

    Inputs are the real alerts in $SHARED_DATA (or ../shared/data beside a checkout), else simulated ones,
    which the result says. Contents are compared before a number is given.

    \b
    Example:
      voevent-bridge bench lens
    """


def _measuring(run: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--rounds", type=click.IntRange(1, 10_000), metavar="N",
                     help="Rounds of each measurement [each benchmark's own]."),
        click.option("-o", "--output", "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
                     help="Also write the result into this folder: <name>.json, <name>.txt, and what else there is."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    ):  # fmt: skip
        run = option(run)
    return run


def _add(name: str, about: str) -> None:
    @command.command(name, short_help=about, help=f"""{about[0].upper()}{about[1:]}.

    \b
    Example:
      voevent-bridge bench {name}
    """)  # fmt: skip
    @_measuring
    def run(as_json: bool, folder: Path | None, rounds: int | None) -> None:
        result, text = _measure(name, rounds, folder)
        click.echo(_json(result).decode() if as_json else f"{text}\n", nl=False)


for _name, _about in BENCHMARKS.items():
    _add(_name, _about)


@command.command("all")
@_measuring
def run_all(as_json: bool, folder: Path | None, rounds: int | None) -> None:
    """Run all benchmarks, one after the other.

    A benchmark for which something is missing here, such as a Kafka broker, is left out with a word about it.

    \b
    Example:
      voevent-bridge bench all -o results/
    """
    results: dict[str, Any] = {}
    for name in BENCHMARKS:
        try:
            results[name], text = _measure(name, rounds, folder)
        except UsageError as error:
            click.echo(f"Left out {name}: {error}", err=True)
            continue
        if not as_json:
            click.echo(f"{text}\n")
    if not results:
        raise UsageError("None of the benchmarks can run here.")
    if as_json:
        click.echo(_json(results).decode(), nl=False)


def _measure(name: str, rounds: int | None, folder: Path | None) -> tuple[dict[str, Any], str]:
    module = _load(name)
    click.echo(f"Measuring {name} ...", err=True)
    given: dict[str, Any] = {} if rounds is None else {"rounds": rounds}
    from bridge.cli.shared import showing_progress

    with showing_progress(name) as said:
        if "progress" in inspect.signature(module.measure).parameters:
            given["progress"] = said
        result: dict[str, Any] = module.measure(**given)
    text: str = module.report(result)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_bytes(_json(result))
        (folder / f"{name}.txt").write_text(text + "\n", encoding="utf-8")
        for path, data in module.files(result).items() if hasattr(module, "files") else ():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_bytes(data)
    return result, text


def _json(result: Any) -> bytes:
    return orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _load(name: str) -> Any:
    # The benchmarks lie beside the package in a checkout, and among its data in an installation.
    package = Path(__file__).resolve().parents[1]
    for top in (package.parent, package / "_data"):
        if (top / "benchmarks" / "common.py").is_file() and str(top) not in sys.path:
            sys.path.insert(0, str(top))
            break
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The benchmark {name} wants {error.name}: pip install 'voevent-bridge[bench]'."
        ) from None
