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

from bridge.cli.options import CommandGroup, InFile, OutPath
from bridge.cli.shared import showing_progress
from bridge.errors import BridgeError, UsageError
from bridge.streams.outlets import write_whole
from bridge.streams.sink import writing

__all__ = ["BENCHMARKS", "command"]

BENCHMARKS = {
    "encodings": "Avro beside XML, JSON, MessagePack and Parquet: sizes, times, and what papers claim",
    "feed": "the broker beside Comet: from source, journal and authors to 1, 10, 100 and 1,000 subscribers",
    "filters": "a hundred filters over one visit, beside a full decode with predicates by hand",
    "fuzz": "a million frames of noise through each end of VTP: nothing may raise, and nothing may not add up",
    "journal": "searches of a journal of a million events, and publishing while old ones go, beside an R*Tree",
    "lens": "single fields and light curves of an alert, beside fastavro",
    "stream": "alerts through a Kafka broker: loop, visit, many processes, latency, beside plain programs",
    "translate": "alert bytes to VOEvent bytes, beside fastavro and voevent-parse",
    "voevent": "VOEvents between XML and Avro, beside lxml's bare parse and serialise; sizes of both",
}
"""Modules of the folder ``benchmarks/``: each has ``measure(*, rounds)`` and ``report(result)``.

``measure`` may take ``progress``, a function that is told what goes on; ``files(result)``, where there is one,
gives what else is written with ``-o``, by file name.
"""


@click.group("bench", cls=CommandGroup)
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
        click.option("-o", "--output", "folder", metavar="DIR", type=OutPath(file_okay=False),
                     help="Also write the result into this folder: <name>.json, <name>.txt, and what else there is."),
        click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output."),
    ):  # fmt: skip
        run = option(run)
    return run


def _add(name: str, about: str) -> None:
    @command.command(name, help=f"""{about[0].upper()}{about[1:]}.

    \b
    Example:
      voevent-bridge bench {name}
    """)  # fmt: skip
    @_measuring
    def run(as_json: bool, folder: Path | None, rounds: int | None) -> None:
        _make(folder)
        result, text, _ = _measure(name, rounds, folder)
        click.echo(_json(result).decode() if as_json else f"{text}\n", nl=False)


for _name, _about in BENCHMARKS.items():
    _add(_name, _about)


@command.command("all")
@_measuring
def run_all(as_json: bool, folder: Path | None, rounds: int | None) -> None:
    """Run all benchmarks, one after the other.

    A benchmark for which something is missing here, such as a Kafka broker, is left out with a word about it.
    With -o, index.html has everything on one page that needs no other file.

    \b
    Example:
      voevent-bridge bench all -o results/
    """
    _make(folder)
    results: dict[str, Any] = {}
    texts: dict[str, str] = {}
    files: dict[str, dict[str, bytes]] = {}
    left_out: dict[str, str] = {}
    for name in BENCHMARKS:
        try:
            results[name], texts[name], files[name] = _measure(name, rounds, folder)
        except BridgeError as error:
            left_out[name] = str(error)
            click.echo(f"Left out {name}: {error}", err=True)
            continue
        if not as_json:
            click.echo(f"{texts[name]}\n")
        if folder is not None:
            # After each, because all together take long and may be interrupted.
            _write(folder, {"index.html": _load("page").make_page(results, texts, files, left_out)})
    if not results:
        raise UsageError("None of the benchmarks can run here.")
    if folder is not None:
        _write(folder, {"index.html": _load("page").make_page(results, texts, files, left_out)})
        click.echo(f"All on one page: {folder / 'index.html'}", err=True)
    if as_json:
        click.echo(_json(results).decode(), nl=False)


@command.command("compare")
@click.argument("before", type=InFile())
@click.argument("after", type=InFile())
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def run_compare(before: Path, after: Path, as_json: bool) -> None:
    """Say what got faster or slower from one result to another, by more than the noise.

    BEFORE and AFTER are JSON files that bench wrote, of one benchmark or of all.

    \b
    Example:
      voevent-bridge bench compare before/encodings.json after/encodings.json
    """
    module = _load("compare")
    result = module.compare(module.load(before), module.load(after))
    click.echo(_json(result).decode() if as_json else f"{module.report(result)}\n", nl=False)


@command.command("night")
@click.option("--survey", type=click.Choice(["lsst", "ztf"]), required=True, help="Whose night.")
@click.option(
    "--hours",
    type=click.FloatRange(0, 24, min_open=True),
    metavar="H",
    default=10.0,
    show_default=True,
    help="Length of the night.",
)
@click.option(
    "--link",
    "link_mbit_s",
    type=click.FloatRange(0, min_open=True),
    metavar="MBIT",
    default=1000.0,
    show_default=True,
    help="What the network takes, in Mbit/s.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 10_000), metavar="N", help="Rounds of each measurement [as fit]."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def run_night(survey: str, hours: float, link_mbit_s: float, rounds: int | None, as_json: bool) -> None:
    """Tell what a night of a survey costs in each encoding and transport.

    Sizes and rates are measured here, for some seconds; the rest is arithmetic from assumptions that are printed.

    \b
    Example:
      voevent-bridge bench night --survey lsst
    """
    module = _load("night")
    with showing_progress(f"a night of {survey}") as said:
        result = module.measure(survey, hours=hours, link_mbit_s=link_mbit_s, rounds=rounds, progress=said)
    click.echo(_json(result).decode() if as_json else f"{module.report(result)}\n", nl=False)


def _measure(
    name: str, rounds: int | None, folder: Path | None
) -> tuple[dict[str, Any], str, dict[str, bytes]]:
    """The result, its text, and what else the benchmark writes."""
    module = _load(name)
    click.echo(f"Measuring {name} ...", err=True)
    given: dict[str, Any] = {} if rounds is None else {"rounds": rounds}
    with showing_progress(name) as said:
        if "progress" in inspect.signature(module.measure).parameters:
            given["progress"] = said
        result: dict[str, Any] = module.measure(**given)
    text: str = module.report(result)
    if folder is None:
        return result, text, {}
    files: dict[str, bytes] = module.files(result) if hasattr(module, "files") else {}
    _write(folder, {f"{name}.json": _json(result), f"{name}.txt": f"{text}\n".encode(), **files})
    return result, text, files


def _make(folder: Path | None) -> None:
    """Make the folder before minutes are spent on what it is for."""
    if folder is not None:
        _write(folder, {})


def _write(folder: Path, files: dict[str, bytes]) -> None:
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            write_whole(folder / name, data)


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
