"""All benchmarks of a run on one page of HTML that needs nothing else, neither files nor network."""

from __future__ import annotations

import html
import io
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.markup import data_url, to_html

__all__ = ["make_page", "ratios"]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #111; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-top: 2px solid #111; padding-top: .6rem; margin-top: 3rem; } h3, h4 { margin-top: 2rem; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: .15rem .6rem; text-align: left; }
th { border-bottom: 1px solid #111; } tbody tr:nth-child(even) { background: #f3f3f3; }
.number { text-align: right; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
pre { background: #f3f3f3; padding: .8rem; overflow-x: auto; font-size: 13px; } img { max-width: 100%; }
nav a { margin-right: 1rem; } footer { margin-top: 3rem; color: #555; }
"""
LABELS = ("task", "name", "processes", "rate")


def make_page(
    results: Mapping[str, dict[str, Any]],
    texts: Mapping[str, str],
    files: Mapping[str, Mapping[str, bytes]],
    left_out: Mapping[str, str],
) -> bytes:
    """The page.

    Parameters
    ----------
    results
        Results by the name of the benchmark, in the order of the page.
    texts
        The report of each as text.
    files
        What a benchmark writes beside its result: a page in Markdown (``<name>.md``) is shown instead of its
        text, with its figures.
    left_out
        Benchmarks that did not run, and why.
    """
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>voevent-bridge: benchmarks</title>',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>{STYLE}</style></head><body>",
        "<h1>voevent-bridge: benchmarks</h1>",
        *_machine(results),
        "<nav>" + "".join(f'<a href="#{name}">{html.escape(name)}</a>' for name in results) + "</nav>",
    ]
    for name, result in results.items():
        parts.append(f'<section id="{html.escape(name)}"><h2>{html.escape(name)}</h2>')
        mine = files.get(name, {})
        page = mine.get(f"{name}.md")
        if page is not None:
            parts.append(to_html(page.decode(), mine))
        else:
            chart = _chart(result)
            if chart is not None:
                parts.append(f'<img alt="Ratios to the peer" src="{data_url(chart)}">')
            parts.append(f"<pre>{html.escape(texts[name])}</pre>")
        parts.append("</section>")
    if left_out:
        items = "".join(f"<li>{html.escape(name)}: {html.escape(why)}</li>" for name, why in left_out.items())
        parts.append(f"<section><h2>left out</h2><ul>{items}</ul></section>")
    parts.append(
        "<footer>Made by <code>voevent-bridge bench all</code>. Contents were compared before a number was "
        "given; each benchmark names its input, its peer and its versions.</footer></body></html>"
    )
    return "\n".join(parts).encode() + b"\n"


def ratios(part: Any, label: str = "") -> Iterator[tuple[str, float]]:
    """Every ratio to a peer in a result, with the names of where it is."""
    if isinstance(part, dict):
        own = next((str(part[key]) for key in LABELS if isinstance(part.get(key), (str, int))), "")
        here = ", ".join(filter(None, (label, own)))
        for key, value in part.items():
            if key.startswith("ratio") and isinstance(value, (int, float)) and not isinstance(value, bool):
                beside = key.removeprefix("ratio").strip("_").replace("_", " ")
                yield ", ".join(filter(None, (here, beside))) or "all", float(value)
            elif isinstance(value, dict):
                yield from ratios(value, ", ".join(filter(None, (here, key.replace("_", " ")))))
            elif isinstance(value, list):
                yield from ratios(value, here)
    elif isinstance(part, list):
        for number, each in enumerate(part, 1):
            unnamed = isinstance(each, dict) and not any(key in each for key in LABELS)
            yield from ratios(each, f"{label} {number}".strip() if unnamed else label)


def _chart(result: dict[str, Any]) -> bytes | None:
    """Bars of the ratios of a result; None where it has none, or matplotlib is not installed."""
    found = [(name, value) for name, value in ratios(result) if value > 0]
    if not found:
        return None
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(9, 0.8 + 0.27 * len(found)), layout="constrained")
    axes = figure.subplots()
    values = [value for _, value in found]
    bars = axes.barh(range(len(found)), [v - 1 for v in values], left=1, color="0.6", edgecolor="black")
    axes.bar_label(bars, [f"{v:,.0f}x" if v >= 100 else f"{v:.3g}x" for v in values], padding=3, fontsize=8)
    axes.set_yticks(range(len(found)), [name for name, _ in found], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlim(min(0.8, *values) * 0.8, max(1.2, *values) * 4)
    axes.set_xlabel("ratio to the peer, in the sense of the text below (1 is alike)")
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": str(result.get("benchmark"))}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _machine(results: Mapping[str, dict[str, Any]]) -> list[str]:
    machine = next((result["machine"] for result in results.values() if "machine" in result), None)
    if machine is None:
        return []
    told = (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}"
    )
    versions = {name: v for result in results.values() for name, v in result.get("versions", {}).items()}
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return [f"<p>{html.escape(told)}<br>{html.escape(listed)}</p>"]
