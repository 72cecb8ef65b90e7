"""A result in words: a short text for the terminal, and a whole page in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["FIGURES", "markdown", "report"]

FIGURES = {
    "size-by-encoding": "Size of an alert by encoding",
    "time-by-encoding": "CPU time per alert by encoding",
    "size-by-history": "Size of an alert against the length of its history",
    "cost-by-batch": "Cost per alert against the number of alerts in a file",
}
PARTS = {"whole": "whole", "no cutouts": "no cutouts", "no history": "no history", "neither": "neither"}
SHORT = (
    "avro-bare", "avro-ocf", "avro-ocf-zstd", "avro-bare-apache", "msgpack", "json", "xml", "xml-gzip",
    "xml-etree", "voevent", "voevent-parse", "parquet",
)  # fmt: skip
METHOD = """\
Every encoding is given the same records, and what it decodes to is compared with them value by value (NaN
equals NaN, a 32-bit float is compared as one) before its size or time counts. Times are CPU times per
alert, {rounds} rounds in a shuffled order with the garbage collector's long-lived objects set aside: the
median, and in brackets the quartiles. Making a record of what a survey measures is not in them, nor is
parsing a schema that is known beforehand; parsing the schema that a container carries is. fastavro, lxml,
orjson and msgpack are C; Apache's avro and ElementTree's tree are driven from Python."""
NOTES = """\
"Plain XML" has an element for each field that is not null, and base64 for bytes, in the fewest characters:
no indentation, and 32-bit floats in their shortest text; "unrounded" writes them as Python prints the
double that holds them. The VOEvents hold all of an alert (scalars as Params, records as Groups, arrays as
Tables), without units, UCDs or descriptions. gzip is at level {gzip}, zstd at level {zstd}; times stay the
integers that the schemas store. Bytes are counted as they go over a wire."""


def report(result: dict[str, Any]) -> str:
    """Verdicts, and sizes and times of the main encodings, as text for the terminal."""
    lines = [
        "Avro beside other encodings: the same content in each (compared), median CPU time per message",
        *_machine(result),
        "",
    ]
    for content in result["contents"]:
        if content["part"] not in ("whole", "no cutouts"):
            continue
        lines.append(f"{content['name']}, {PARTS[content['part']]}: {content['origin']}")
        bare = _bytes(content, "avro-bare")
        for row in content["encodings"]:
            if row["codec"] in SHORT:
                times = f"{_us(row['encode'])} {_us(row['decode'])}" if row["encode"] else ""
                size = f"{row['bytes']:11,.0f} bytes {row['bytes'] / bare:6.2f}x"
                lines.append(f"  {row['name']:26} {size}  {times}".rstrip())
        lines.append("")
    lines.append("What papers say, and what was measured here")
    for claim in result["claims"]:
        low, high = _range(claim)
        lines.append(f"  {claim['verdict']:15} {claim['claim']}")
        met = sum(condition["met"] for condition in claim["conditions"])
        lines.append(
            f"  {'':15} {claim['quantity']}: claimed {claim['claimed']:g}, measured {low:g} to {high:g}; "
            f"met in {met} of {len(claim['conditions'])} conditions"
        )
    lines += [f"Left out: {what}." for what in result["left_out"]]
    return "\n".join(lines)


def markdown(result: dict[str, Any], figures: str | None = "figures") -> str:
    """The whole result as a page.

    Parameters
    ----------
    result
        From `measure`.
    figures
        Folder of the figures, as the page will name it; None if there are none.
    """
    rounds = sorted({t["rounds"] for c in result["contents"] for r in c["encodings"] if (t := r["encode"])})
    said_rounds = f"{rounds[0]} to {rounds[-1]}" if len(rounds) > 1 else str(rounds[0])
    return "\n".join(
        [
            "# Avro beside XML, JSON, MessagePack and Parquet",
            "",
            "This page is what `voevent-bridge bench encodings -o DIR` writes. It was made on this machine:",
            "",
            *(f"* {line}" for line in _machine(result)),
            *(f"* left out: {what}" for what in result["left_out"]),
            "",
            "## What papers say",
            "",
            *verdict_table(result),
            "",
            *(line for c in result["claims"] for line in (f"**{c['claim']}.** {c['reason']}", "")),
            "## How it was measured",
            "",
            METHOD.format(rounds=said_rounds),
            "",
            NOTES.format(**result["levels"]),
            "",
            *_inputs(result),
            "",
            "## Sizes",
            "",
            _figure("size-by-encoding", figures),
            "",
            *_sizes(result),
            "## Times",
            "",
            _figure("time-by-encoding", figures),
            "",
            *_times(result),
            "## Growing history",
            "",
            "One alert without cutouts, its light curves cut to their newest rows; bytes.",
            "",
            _figure("size-by-history", figures),
            "",
            *_histories(result),
            "## Many alerts in a file",
            "",
            f"{result['batches']['origin']}: different ones, because a compressor would find repetitions.",
            "",
            _figure("cost-by-batch", figures),
            "",
            *_batches(result),
            "",
            "## Serialised, sent, received, decoded",
            "",
            *_transport(result["transport"]),
            "",
            "## Each claim under each condition",
            "",
            *_conditions(result),
        ]
    )


def verdict_table(result: dict[str, Any]) -> list[str]:
    """The claims in a Markdown table."""
    rows = []
    for claim in result["claims"]:
        where = _where(claim["conditions"])
        low, high = _range(claim)
        measured = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        claimed = f"{claim['quantity']}: {claim['claimed']:g}"
        rows.append([claim["claim"], claim["source"], claimed, measured, claim["verdict"], where])
    return table(["claim", "source", "claimed", "measured", "verdict", "where it is met"], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], numbers: bool = False) -> list[str]:
    """Lines of a Markdown table; with `numbers` all columns but the first are set to the right."""
    rule = ["---", *(["--:"] if numbers else ["---"]) * (len(head) - 1)]
    return [f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows)]


def _where(conditions: list[dict[str, Any]]) -> str:
    """Where a claim is met, in few words: contents, or single conditions where a content is divided."""
    met = [c["condition"] for c in conditions if c["met"]]
    if not met:
        return "nowhere"
    if len(met) == len(conditions):
        return "everywhere"
    missed = {c["condition"].partition("; ")[0] for c in conditions if not c["met"]}
    names = dict.fromkeys(
        condition if condition.partition("; ")[0] in missed else condition.partition("; ")[0]
        for condition in met
    )
    return (
        ". ".join(names)
        if len(names) <= 6
        else f"in {len(met)} of {len(conditions)} conditions, listed below"
    )


def _range(claim: dict[str, Any]) -> tuple[float, float]:
    values = [condition["measured"] for condition in claim["conditions"]]
    return min(values), max(values)


def _machine(result: dict[str, Any]) -> list[str]:
    machine = result["machine"]
    return [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}",
        ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        f"load average when it began: {result['load_average']:g} (above the number of cores, times are "
        f"those of a "
        "busy machine: look at ratios and quartiles)",
    ]


def _inputs(result: dict[str, Any]) -> list[str]:
    rows = [
        [
            content["name"],
            content["origin"],
            f"{content['received_bytes']:,.0f}" if content["received_bytes"] else "",
            f"{_bytes(content, 'avro-bare'):,.0f}",
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


def _sizes(result: dict[str, Any]) -> list[str]:
    lines = []
    for name, parts in _by_name(result).items():
        head = ["encoding", "library", *(f"{part}, bytes | to bare Avro" for part in parts)]
        rows = []
        for row in next(iter(parts.values()))["encodings"]:
            cells = [row["name"], row["library"]]
            for content in parts.values():
                size, bare = _bytes(content, row["codec"]), _bytes(content, "avro-bare")
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


def _times(result: dict[str, Any]) -> list[str]:
    lines = []
    for content in result["contents"]:
        if not content["messages_timed"]:
            continue
        lines += [
            f"### {content['name']}: {PARTS[content['part']]}",
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
                        _us(row[direction]),
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


def _histories(result: dict[str, Any]) -> list[str]:
    names = _names(result)
    lines = []
    for study in result["history"]:
        codecs = list(study["lines"][0]["bytes"])
        rows = [[line["rows"], *(f"{line['bytes'][codec]:,}" for codec in codecs)] for line in study["lines"]]
        lines += [f"### {study['name']}, growing", ""]
        lines += [*table(["rows", *(names[codec] for codec in codecs)], rows, numbers=True), ""]
    return lines


def _batches(result: dict[str, Any]) -> list[str]:
    rows = [
        [
            line["name"],
            f"{line['alerts']:,}",
            f"{line['bytes_per_alert']:,.0f}",
            _us(line["encode"]),
            _us(line["decode"]),
        ]
        for line in sorted(result["batches"]["lines"], key=lambda line: (line["name"], line["alerts"]))
    ]
    head = ["encoding", "alerts in a file", "bytes per alert", "encode, us per alert", "decode, us per alert"]
    return table(head, rows, numbers=True)


def _transport(transport: dict[str, Any]) -> list[str]:
    rows = [
        [name, f"{spread['median']:.3f}", f"{spread['q1']:.3f} to {spread['q3']:.3f}"]
        for name, spread in transport["seconds"].items()
    ]
    return [
        f"{transport['origin']}, {transport['bytes'] / 1e6:.1f} MB as {transport['encoding']}, through a "
        f"TCP connection "
        f"on one machine; seconds of wall time, {transport['rounds']} rounds. Published: "
        f"{transport['quoted_s']} s.",
        "",
        *table(["step", "median, s", "quartiles, s"], rows, numbers=True),
    ]


def _conditions(result: dict[str, Any]) -> list[str]:
    lines = []
    for claim in result["claims"]:
        rows = [
            [condition["condition"], f"{condition['measured']:g}", "yes" if condition["met"] else "no"]
            for condition in claim["conditions"]
        ]
        lines += [f"**{claim['claim']}** ({claim['quantity']}: {claim['claimed']:g})", ""]
        lines += [*table(["condition", "measured", "met"], rows), ""]
    return lines


def _figure(key: str, folder: str | None) -> str:
    return f"![{FIGURES[key]}]({folder}/{key}.svg)" if folder else "(No figure: matplotlib is not installed.)"


def _by_name(result: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for content in result["contents"]:
        found.setdefault(content["name"], {})[PARTS[content["part"]]] = content
    return found


def _names(result: dict[str, Any]) -> dict[str, str]:
    return {row["codec"]: row["name"] for content in result["contents"] for row in content["encodings"]}


def _bytes(content: dict[str, Any], codec: str) -> float:
    return next(float(row["bytes"]) for row in content["encodings"] if row["codec"] == codec)


def _median(timing: dict[str, Any]) -> float:
    return float(timing["cpu"]["median_us"])


def _us(timing: dict[str, Any]) -> str:
    spread = timing["cpu"]
    digits = 0 if spread["median_us"] >= 100 else 1
    return f"{spread['median_us']:,.{digits}f} [{spread['q1_us']:,.{digits}f}-{spread['q3_us']:,.{digits}f}]"
