"""The tables of the page, one function for each section; each gives lines of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "batches",
    "bytes_of",
    "conditions",
    "histories",
    "inputs",
    "sizes",
    "spread",
    "table",
    "times",
    "transport",
]


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: bool = False) -> list[str]:
    """Lines of a Markdown table; with `numbers` all columns but the first are set to the right."""
    rule = ["---", *(["--:"] if numbers else ["---"]) * (len(head) - 1)]
    return [f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows)]


def inputs(result: dict[str, Any]) -> list[str]:
    """What was encoded, and what its parts weigh."""
    rows = [
        [
            content["name"],
            content["origin"],
            f"{content['received_bytes']:,.0f}" if content["received_bytes"] else "",
            f"{bytes_of(content, 'avro-bare'):,.0f}",
            f"{content['cutout_bytes']:,.0f}",
            f"{content['cutout_gzip_ratio']:.0%}" if content["cutout_bytes"] else "",
            f"{content['schema_bytes']:,}",
            f"{content['history_rows']:g}",
        ]
        for content in result["contents"]
        if content["part"] == "whole"
    ]
    head = [
        "content", "from", "bytes as received", "bare Avro", "cutouts", "cutouts in gzip", "schema",
        "history rows",
    ]  # fmt: skip
    return table(head, rows)


def sizes(result: dict[str, Any]) -> list[str]:
    """Bytes of each content in each encoding, and their ratio to bare Avro."""
    lines = []
    for name, parts in _by_name(result).items():
        head = ["encoding", "library", *(f"{part}, bytes | to bare Avro" for part in parts)]
        rows = []
        for row in next(iter(parts.values()))["encodings"]:
            cells = [row["name"], row["library"]]
            for content in parts.values():
                size, bare = bytes_of(content, row["codec"]), bytes_of(content, "avro-bare")
                cells.append(f"{size:,.0f} | {size / bare:.2f}")
            rows.append(cells)
        first = next(iter(parts.values()))
        lines += [f"### {name}", "", f"Mean of {first['messages']} messages ({first['origin']}).", ""]
        # Each part has two columns.
        made = table(head, rows)
        made[1] = f"| --- | --- |{' --: | --: |' * len(parts)}"
        lines += [*made, ""]
        lines += [line for text in first["unsuitable"] for line in (f"{text}.", "")]
    return lines


def times(result: dict[str, Any]) -> list[str]:
    """CPU times of each content in each encoding, and their ratio to bare Avro."""
    lines = []
    for content in result["contents"]:
        if not content["messages_timed"]:
            continue
        lines += [
            f"### {content['name']}: {content['part']}",
            "",
            f"Microseconds of CPU per message; {content['messages_timed']} of {content['messages']} "
            f"messages timed.",
            "",
        ]
        bare = next(row for row in content["encodings"] if row["codec"] == "avro-bare")
        rows = [
            [
                row["name"],
                row["library"],
                *(
                    cell
                    for direction in ("encode", "decode")
                    for cell in (
                        spread(row[direction]),
                        f"{_median(row[direction]) / max(_median(bare[direction]), 1e-9):.2f}",
                    )
                ),
            ]
            for row in content["encodings"]
        ]
        made = table(["encoding", "library", "encode", "to bare Avro", "decode", "to bare Avro"], rows)
        made[1] = "| --- | --- | --: | --: | --: | --: |"
        lines += [*made, ""]
    return lines


def histories(result: dict[str, Any]) -> list[str]:
    """Bytes by rows of history."""
    names = _names(result)
    lines = []
    for study in result["history"]:
        codecs = list(study["lines"][0]["bytes"])
        rows = [[line["rows"], *(f"{line['bytes'][codec]:,}" for codec in codecs)] for line in study["lines"]]
        lines += [f"### {study['name']}, growing", ""]
        lines += [*table(["rows", *(names[codec] for codec in codecs)], rows, numbers=True), ""]
    return lines


def batches(result: dict[str, Any]) -> list[str]:
    """Bytes and times per alert by the number of alerts in a file."""
    rows = [
        [
            line["name"],
            f"{line['alerts']:,}",
            f"{line['bytes_per_alert']:,.0f}",
            spread(line["encode"]),
            spread(line["decode"]),
        ]
        for line in sorted(result["batches"]["lines"], key=lambda line: (line["name"], line["alerts"]))
    ]
    head = ["encoding", "alerts in a file", "bytes per alert", "encode, us per alert", "decode, us per alert"]
    return table(head, rows, numbers=True)


def transport(measured: dict[str, Any]) -> list[str]:
    """Seconds of each step of the way."""
    rows = [
        [name, *(_quartiles(measured[key][name]) for key in ("seconds", "cpu_seconds"))]
        for name in measured["seconds"]
    ]
    return [
        f"{measured['origin']}, {measured['bytes'] / 1e6:.1f} MB as {measured['encoding']}, through a TCP "
        f"connection on one machine; seconds, median [quartiles] of {measured['rounds']} rounds. "
        f"Published: {measured['quoted_s']} s.",
        "",
        *table(["step", "by the clock", "CPU time of both ends"], rows, numbers=True),
    ]


def conditions(result: dict[str, Any]) -> list[str]:
    """Each claim under each condition."""
    lines = []
    for claim in result["claims"]:
        rows = [
            [condition["condition"], f"{condition['measured']:g}", "yes" if condition["met"] else "no"]
            for condition in claim["conditions"]
        ]
        lines += [f"**{claim['claim']}** ({claim['quantity']}: {claim['claimed']:g})", ""]
        lines += [*table(["condition", "measured", "met"], rows), ""]
    return lines


def _by_name(result: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for content in result["contents"]:
        found.setdefault(content["name"], {})[content["part"]] = content
    return found


def _names(result: dict[str, Any]) -> dict[str, str]:
    return {row["codec"]: row["name"] for content in result["contents"] for row in content["encodings"]}


def bytes_of(content: dict[str, Any], codec: str) -> float:
    """Mean bytes of a message in one encoding."""
    return next(float(row["bytes"]) for row in content["encodings"] if row["codec"] == codec)


def _quartiles(seconds: dict[str, float]) -> str:
    return f"{seconds['median']:.3f} [{seconds['q1']:.3f}-{seconds['q3']:.3f}]"


def _median(timing: dict[str, Any]) -> float:
    return float(timing["cpu"]["median_us"])


def spread(timing: dict[str, Any]) -> str:
    """Median CPU time in microseconds, and its quartiles."""
    spread = timing["cpu"]
    digits = 0 if spread["median_us"] >= 100 else 1
    return f"{spread['median_us']:,.{digits}f} [{spread['q1_us']:,.{digits}f}-{spread['q3_us']:,.{digits}f}]"
