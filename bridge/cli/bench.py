"""``voevent-bridge bench``: measures this machine, each time beside a named peer in the same run."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click
import orjson

from bridge.errors import UsageError

__all__ = ["command"]

BENCHMARKS = ("lens", "filters", "translate")


@click.command("bench")
@click.argument("which", type=click.Choice([*BENCHMARKS, "all"]), default="all")
@click.option("--json", "as_json", is_flag=True, help="Results as one JSON document on standard output.")
@click.option("-o", "--output", "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Also write each result into this folder, as <name>.json and <name>.txt.")  # fmt: skip
@click.option(
    "--rounds", type=click.IntRange(1, 10_000), help="Rounds of each measurement [each benchmark's own]."
)
def command(which: str, as_json: bool, folder: Path | None, rounds: int | None) -> None:
    """Measure lens, filters or translator on this machine.

    Inputs are the real alerts in $SHARED_DATA (or ../shared/data beside a checkout), else simulated ones,
    which the result says. The peers are fastavro and voevent-parse.

    \b
    Example:
      voevent-bridge bench lens
    """
    results = {}
    for name in BENCHMARKS if which == "all" else (which,):
        module = _load(name)
        click.echo(f"Measuring {name} ...", err=True)
        result = module.measure(**({} if rounds is None else {"rounds": rounds}))
        results[name] = result
        text = module.report(result)
        if not as_json:
            click.echo(f"{text}\n")
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.json").write_bytes(_json(result))
            (folder / f"{name}.txt").write_text(text + "\n")
    if as_json:
        click.echo(_json(results[which] if which != "all" else results).decode(), nl=False)


def _json(result: Any) -> bytes:
    return orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _load(name: str) -> Any:
    # The benchmarks lie beside the package in a checkout; an installation does not have them.
    top = Path(__file__).resolve().parents[2]
    if (top / "benchmarks" / f"{name}.py").is_file() and str(top) not in sys.path:
        sys.path.insert(0, str(top))
    try:
        return importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "benchmarks":
            raise UsageError("The benchmarks come with the source tree; run this in a checkout.") from None
        raise UsageError(f"The benchmark {name} wants {error.name}: pip install {error.name}.") from None
