"""Two results of benchmarks held against each other: what got faster or slower by more than the noise.

Where a result has quartiles, medians differ if their notches do not overlap: median plus and minus 1.57
times the distance of the quartiles over the root of the number of rounds (McGill, Tukey and Larsen 1978,
The American Statistician 32, 12). Where it has none, only large changes count. Sizes have no noise.

Quartiles know of the noise within a run and not of that from run to run: another load, another placement
in memory. The times that did not change tell of it. Where there are enough of them, a time must also have
moved by more than three times their scatter, and is judged relative to what all of them have in common.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from bridge.errors import SourceError, UsageError
from bridge.small_files import read_small

__all__ = ["Change", "compare", "load", "report"]

NOTCH = 1.57
SMALLEST = 0.05
"""A change below a twentieth is not worth a word, however sure it is."""
LARGE = 0.25
"""Change that counts where no spread was recorded."""
FEWEST_ROUNDS = 3
SIGMAS = 3
ENOUGH = 10
"""So many times tell of the noise from run to run."""
# Endings of keys that hold a time, or a rate, of which more is better. Other numbers are inputs or derived.
TIMES = ("_us", "_ms", "_s")
RATES = ("_per_s", "_hz")
QUARTILES = ("median", "q1", "q3")
LABELS = ("name", "task", "part", "library", "alerts", "rows", "rate", "processes")
# What was measured, in words.
INPUTS = ("origin", "input")
NOT_MEASURED = ("quoted", "published", "beat", "deadline")


@dataclass(frozen=True, slots=True)
class Change:
    """One quantity in both results.

    Attributes
    ----------
    what
        Which one, in words.
    before, after
        In `unit`.
    ratio
        After over before.
    verdict
        faster, slower, smaller, larger or same.
    sure
        Whether a spread was there to judge by.
    """

    what: str
    unit: str
    before: float
    after: float
    ratio: float
    verdict: str
    sure: bool


def load(path: Path) -> dict[str, dict[str, Any]]:
    """The results in a file, by name: one benchmark's, or those of ``bench all --json``.

    Raises
    ------
    SourceError
        If the file cannot be read or holds no results.
    """
    try:
        document = orjson.loads(read_small(path))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}).") from None
    except orjson.JSONDecodeError as error:
        raise SourceError(f"{path} is not JSON ({error}); give a file that bench wrote.") from None
    if isinstance(document, dict) and isinstance(document.get("benchmark"), str):
        return {document["benchmark"]: document}
    if isinstance(document, dict) and document:
        found = {
            name: each for name, each in document.items() if isinstance(each, dict) and "benchmark" in each
        }
        if len(found) == len(document):
            return found
    raise SourceError(f"{path} is JSON, but holds no results of benchmarks.")


def compare(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Compare.

    Parameters
    ----------
    before, after
        From `load`.

    Returns
    -------
    Plain data: `changes`, the `shift` that all sure times have in common (median ratio) and their
    `scatter` about it, whether the machines are of one type, which inputs differ, and what only one side
    has.

    Raises
    ------
    UsageError
        If they have no benchmark in common.
    """
    names = [name for name in before if name in after]
    if not names:
        raise UsageError(
            f"The files have no benchmark in common: {', '.join(before)} in one, {', '.join(after)} in the "
            f"other."
        )
    changes: list[Change] = []
    lost: list[str] = []
    inputs: list[str] = []
    for name in names:
        was, now = dict(_inputs(before[name])), dict(_inputs(after[name]))
        inputs += [
            f"{name}: {key}".rstrip(" :") + f": {text} before, {now[key]} after"
            for key, text in was.items()
            if now.get(key, text) != text
        ]
        old, new = dict(_quantities(before[name])), dict(_quantities(after[name]))
        changes += [_change(f"{name}: {key}", old[key], new[key]) for key in old if key in new]
        lost += [f"{name}: {key}" for key in sorted(old.keys() ^ new.keys())]
    ratios = [change.ratio for change in changes if _is_sure_time(change)]
    shift, scatter = _common(ratios)
    changes = [_against_the_rest(change, shift, scatter) for change in changes]
    return {
        "benchmarks": names,
        "same_machine": all(before[name].get("machine") == after[name].get("machine") for name in names),
        "other_inputs": inputs,
        "shift": round(statistics.median(ratios), 3) if ratios else None,
        "scatter": round(math.expm1(scatter), 3),
        "changes": [asdict(change) for change in changes],
        "only_in_one": lost,
    }


def report(result: dict[str, Any], most: int = 40) -> str:
    """The comparison as text: the largest changes first, then how many stayed the same."""
    told = [change for change in result["changes"] if change["verdict"] != "same"]
    told.sort(key=lambda change: -abs(math.log(change["ratio"])) if change["ratio"] > 0 else -math.inf)
    lines = [f"{len(result['changes'])} quantities of {', '.join(result['benchmarks'])} in both files"]
    if not result["same_machine"]:
        lines.append("The machines or their Pythons differ: times tell of them as much as of the code.")
    if result["other_inputs"]:
        first = result["other_inputs"][0]
        lines.append(f"The inputs differ, so sizes and times tell of them, not of the code: {first}.")
    if result["shift"] is not None:
        lines.append(
            f"All times together: {result['shift']:.2f}x, scattered by {result['scatter']:.0%} from run to "
            "run, which may be the machine or its load. Told below is what moved by more than the rest."
        )
    if told:
        width = max(len(change["what"]) for change in told[:most])
        lines += ["", f"{'':{width}} {'before':>12} {'after':>12} {'ratio':>7}"]
    for change in told[:most]:
        doubt = "" if change["sure"] else " (no spread recorded)"
        lines.append(
            f"{change['what']:{width}} {change['before']:12,.1f} {change['after']:12,.1f} "
            f"{change['ratio']:6.2f}x "
            f"{change['unit']} {change['verdict']}{doubt}"
        )
    if len(told) > most:
        lines.append(f"... and {len(told) - most} smaller ones; --json has all.")
    lines += ["", f"{len(result['changes']) - len(told)} the same within their noise."]
    if result["only_in_one"]:
        lines.append(f"{len(result['only_in_one'])} are in one file only, first {result['only_in_one'][0]}.")
    return "\n".join(lines)


def _is_sure_time(change: Change) -> bool:
    return change.unit != "bytes" and change.sure and change.ratio > 0


def _common(ratios: Sequence[float]) -> tuple[float, float]:
    """What all ratios have in common, and their scatter about it as the logarithm of a factor."""
    if len(ratios) < ENOUGH:
        return 1.0, 0.0
    logs = [math.log(ratio) for ratio in ratios]
    middle = statistics.median(logs)
    # 1.4826: from the median absolute deviation to a standard deviation, if the scatter is normal.
    return math.exp(middle), 1.4826 * statistics.median(abs(each - middle) for each in logs)


def _against_the_rest(change: Change, shift: float, scatter: float) -> Change:
    if change.verdict == "same" or not _is_sure_time(change):
        return change
    own = math.log(change.ratio / shift)
    if abs(own) <= max(SIGMAS * scatter, math.log1p(SMALLEST)):
        return replace(change, verdict="same")
    words = ("slower", "faster") if change.unit == "per s" else ("faster", "slower")
    return replace(change, verdict=words[own > 0])


@dataclass(frozen=True, slots=True)
class _Quantity:
    value: float
    unit: str
    half_notch: float | None = None


def _quantities(part: Any, path: str = "") -> Iterator[tuple[str, _Quantity]]:
    """Every size and time in a result, by where it is."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from _quantities(each, f"{path}{_label(each) or number}, ")
        return
    if not isinstance(part, dict):
        return
    if "cpu" in part and "rounds" in part:
        spread = part["cpu"]
        yield path.rstrip(", "), _measured([spread[f"{key}_us"] for key in QUARTILES], "us", part["rounds"])
        return
    if set(QUARTILES) <= part.keys():
        yield path.rstrip(", "), _measured([part[key] for key in QUARTILES], "s", FEWEST_ROUNDS)
        return
    for key, value in part.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if number and (_is_size(key) or path.endswith("bytes, ")):
            yield f"{path}{key}", _Quantity(value, "bytes")
        elif number and key.endswith(RATES):
            yield f"{path}{key}", _Quantity(value, "per s")
        elif number and f"_{key}".endswith(TIMES) and not key.startswith(NOT_MEASURED):
            yield f"{path}{key}", _Quantity(value, key.rpartition("_")[2])
        elif isinstance(value, (dict, list)) and key not in ("machine", "versions", "claims"):
            yield from _quantities(value, f"{path}{key}, " if key not in ("contents", "encodings") else path)


def _inputs(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What each part of a result was measured on, by where it is."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from _inputs(each, f"{path}, {_label(each) or number}".lstrip(", "))
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in INPUTS and isinstance(value, str):
                yield path, value
            elif isinstance(value, (dict, list)):
                yield from _inputs(value, path if key == "contents" else f"{path}, {key}".lstrip(", "))


def _is_size(key: str) -> bool:
    return f"_{key}".endswith("_bytes") or key.startswith("bytes_")


def _measured(quartiles: Sequence[float], unit: str, rounds: int) -> _Quantity:
    median, q1, q3 = quartiles
    if rounds < FEWEST_ROUNDS:
        return _Quantity(median, unit)
    return _Quantity(median, unit, NOTCH * (q3 - q1) / math.sqrt(rounds))


def _label(part: Any) -> str:
    found = [part.get(key) for key in LABELS] if isinstance(part, dict) else []
    return " ".join(str(each) for each in found if isinstance(each, (str, int)))


def _change(what: str, old: _Quantity, new: _Quantity) -> Change:
    ratio = new.value / old.value if old.value else (1.0 if not new.value else math.inf)
    half_notches = (old.half_notch, new.half_notch)
    sure = old.unit == "bytes" or None not in half_notches
    if old.unit == "bytes":
        moved = old.value != new.value
    else:
        noise = sum(each for each in half_notches if each is not None)
        least = SMALLEST if sure else LARGE
        moved = abs(new.value - old.value) > noise and abs(ratio - 1) >= least
    words = {"bytes": ("smaller", "larger"), "per s": ("slower", "faster")}.get(
        old.unit, ("faster", "slower")
    )
    return Change(
        what, old.unit, old.value, new.value, round(ratio, 4), words[ratio > 1] if moved else "same", sure
    )
