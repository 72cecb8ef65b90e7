"""The four figures: readable in grey, with units and numbers of alerts; PNG and SVG."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from benchmarks.encodings.report import FIGURES
from bridge.errors import UsageError

__all__ = ["figures"]

BARS = (
    "avro-bare", "avro-ocf", "avro-ocf-zstd", "msgpack", "msgpack-zstd", "json", "json-zstd", "voevent",
    "voevent-gzip", "xml", "xml-gzip", "xml-indented", "arrow", "parquet",
)  # fmt: skip
TIMED = (
    "avro-bare", "avro-ocf", "avro-bare-apache", "msgpack", "json", "voevent", "voevent-parse", "xml",
    "xml-etree", "xml-gzip", "arrow", "parquet",
)  # fmt: skip
DARK, LIGHT = "0.25", "0.78"
STYLES = [
    {"color": grey, "linestyle": line, "marker": marker}
    for grey, line, marker in (
        ("0.0", "-", "o"), ("0.0", "--", "s"), ("0.35", "-", "^"), ("0.35", "--", "v"),
        ("0.5", "-", "D"), ("0.5", "--", "x"), ("0.65", "-", "P"), ("0.65", "--", "*"),
    )
]  # fmt: skip


def figures(result: dict[str, Any]) -> dict[str, bytes]:
    """Draw a result.

    Returns
    -------
    File name ("size-by-encoding.svg" and so on) to bytes.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("Figures want matplotlib: pip install 'voevent-bridge[bench]'.") from None
    drawn: dict[str, bytes] = {}
    draw: dict[str, Callable[[Any, dict[str, Any]], None]] = {
        "size-by-encoding": _sizes,
        "time-by-encoding": _times,
        "size-by-history": _history,
        "cost-by-batch": _batches,
    }
    for key, title in FIGURES.items():
        figure = Figure(figsize=(10, 5.2), layout="constrained")
        figure.suptitle(title)
        draw[key](figure, result)
        for kind in ("png", "svg"):
            out = io.BytesIO()
            # Without a date and with names of its own, the same result draws the same bytes.
            with rc_context({"svg.hashsalt": key}):
                figure.savefig(out, format=kind, dpi=120, metadata={"Date": None} if kind == "svg" else None)
            drawn[f"{key}.{kind}"] = out.getvalue()
    return drawn


def _contents(result: dict[str, Any], part: str) -> list[dict[str, Any]]:
    return [c for c in result["contents"] if c["part"] == part and c["key"] in ("ztf", "lsst")]


def _rows(content: dict[str, Any], keys: tuple[str, ...]) -> list[dict[str, Any]]:
    by_key = {row["codec"]: row for row in content["encodings"]}
    return [by_key[key] for key in keys if key in by_key]


def _sizes(figure: Any, result: dict[str, Any]) -> None:
    wholes = _contents(result, "whole")
    cut = {content["key"]: content for content in _contents(result, "no cutouts")}
    for axes, content in zip(_panels(figure, len(wholes)), wholes, strict=True):
        rows = _rows(content, BARS)
        places = range(len(rows))
        axes.barh(places, [r["bytes"] / 1e3 for r in rows], color=LIGHT, edgecolor="black", label="whole")
        if content["key"] in cut:
            without = {r["codec"]: r["bytes"] / 1e3 for r in cut[content["key"]]["encodings"]}
            axes.barh(
                places,
                [without[r["codec"]] for r in rows],
                height=0.45,
                color=DARK,
                edgecolor="black",
                label="no cutouts",
            )
        _name_bars(axes, rows)
        axes.set_xlabel("kB per alert (mean)")
        axes.set_title(f"{content['name']}, n = {_alerts(content['messages'])}", fontsize=10)
        axes.legend(fontsize=8, loc="best")


def _times(figure: Any, result: dict[str, Any]) -> None:
    wholes = _contents(result, "whole")
    for axes, content in zip(_panels(figure, len(wholes)), wholes, strict=True):
        rows = _rows(content, TIMED)
        for direction, shift, colour in (("encode", -0.2, DARK), ("decode", 0.2, LIGHT)):
            spreads = [row[direction]["cpu"] for row in rows]
            middle = [s["median_us"] / 1e3 for s in spreads]
            low = [(s["median_us"] - s["q1_us"]) / 1e3 for s in spreads]
            high = [(s["q3_us"] - s["median_us"]) / 1e3 for s in spreads]
            axes.barh(
                [n + shift for n in range(len(rows))],
                middle,
                height=0.38,
                xerr=(low, high),
                color=colour,
                edgecolor="black",
                error_kw={"elinewidth": 1},
                label=direction,
            )
        _name_bars(axes, rows)
        axes.set_xscale("log")
        _plain_numbers(axes.xaxis)
        axes.set_xlabel("ms of CPU per alert (median; bars: quartiles)")
        axes.set_title(f"{content['name']}, whole, n = {_alerts(content['messages_timed'])}", fontsize=10)
        axes.legend(fontsize=8, loc="best")


def _history(figure: Any, result: dict[str, Any]) -> None:
    names = {row["codec"]: row["name"] for c in result["contents"] for row in c["encodings"]}
    studies = [study for study in result["history"] if study["key"] in ("ztf", "lsst")]
    for axes, study in zip(_panels(figure, len(studies)), studies, strict=True):
        for style, codec in zip(STYLES, study["lines"][0]["bytes"], strict=False):
            rows = [line["rows"] for line in study["lines"]]
            sizes = [line["bytes"][codec] / 1e3 for line in study["lines"]]
            axes.plot(rows, sizes, label=names[codec], markersize=5, linewidth=1.2, **style)
        axes.set_xscale("symlog", linthresh=1)
        axes.set_yscale("log")
        _plain_numbers(axes.xaxis)
        _plain_numbers(axes.yaxis, steps=(1, 2, 5))
        axes.set_xlabel("rows of history")
        axes.set_ylabel("kB per alert, without cutouts")
        axes.set_title(f"{study['name']}, n = 1 alert", fontsize=10)
        axes.grid(color="0.9")
    if studies:
        axes.legend(fontsize=8, loc="upper left")


def _batches(figure: Any, result: dict[str, Any]) -> None:
    lines = result["batches"]["lines"]
    codecs = list(dict.fromkeys(line["codec"] for line in lines))
    size_axes, time_axes = _panels(figure, 2)
    for style, codec in zip(STYLES, codecs, strict=False):
        mine = [line for line in lines if line["codec"] == codec]
        counts = [line["alerts"] for line in mine]
        both = [[line[way]["cpu"]["median_us"] / 1e3 for way in ("encode", "decode")] for line in mine]
        times = [sum(pair) for pair in both]
        sizes = [line["bytes_per_alert"] / 1e3 for line in mine]
        size_axes.plot(counts, sizes, label=mine[0]["name"], markersize=5, linewidth=1.2, **style)
        time_axes.plot(counts, times, label=mine[0]["name"], markersize=5, linewidth=1.2, **style)
    for axes, label in ((size_axes, "kB per alert"), (time_axes, "ms of CPU per alert (medians)")):
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain_numbers(axes.xaxis)
        _plain_numbers(axes.yaxis, steps=(1, 2, 5))
        axes.set_xlabel("alerts in one file")
        axes.set_ylabel(label)
        axes.grid(color="0.9")
    size_axes.set_title(result["batches"]["origin"], fontsize=10)
    time_axes.set_title("encode and decode, the same alerts", fontsize=10)
    size_axes.legend(fontsize=8, loc="best")


def _panels(figure: Any, count: int) -> list[Any]:
    return list(figure.subplots(1, max(count, 1), squeeze=False)[0])


def _alerts(count: int) -> str:
    return f"{count} alert{'s' if count > 1 else ''}"


def _plain_numbers(axis: Any, steps: tuple[int, ...] = ()) -> None:
    """1 and 10 instead of powers of ten, and if wanted numbers between them."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if steps:
        axis.set_major_locator(LogLocator(subs=steps))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(NullFormatter())


def _name_bars(axes: Any, rows: list[dict[str, Any]]) -> None:
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
