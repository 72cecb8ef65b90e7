"""A result in words: a short text for the terminal, and a whole page in Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.encodings import tables

__all__ = ["FIGURES", "markdown", "report", "short_table"]

FIGURES = {
    "size-by-encoding": "Size of an alert by encoding",
    "time-by-encoding": "CPU time per alert by encoding",
    "size-by-history": "Size of an alert against the length of its history",
    "cost-by-batch": "Cost per alert against the number of alerts in a file",
}
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
Tables), without units, UCDs or descriptions. Real VOEvents are compared as trees of elements; for a schema
of their own see `bench voevent`. gzip is at level {gzip}, zstd at level {zstd}; times stay the integers
that the schemas store. Bytes are counted as they go over a wire."""


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
        lines.append(f"{content['name']}, {content['part']}: {content['origin']}")
        bare = tables.bytes_of(content, "avro-bare")
        for row in content["encodings"]:
            if row["codec"] in SHORT:
                times = (
                    f"{tables.spread(row['encode'])} {tables.spread(row['decode'])}" if row["encode"] else ""
                )
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
            *tables.inputs(result),
            "",
            "## Sizes",
            "",
            _figure("size-by-encoding", figures),
            "",
            *tables.sizes(result),
            "## Times",
            "",
            _figure("time-by-encoding", figures),
            "",
            *tables.times(result),
            "## Growing history",
            "",
            "One alert without cutouts, its light curves cut to their newest rows; bytes.",
            "",
            _figure("size-by-history", figures),
            "",
            *tables.histories(result),
            "## Many alerts in a file",
            "",
            f"{result['batches']['origin']}: different ones, because a compressor would find repetitions.",
            "",
            _figure("cost-by-batch", figures),
            "",
            *tables.batches(result),
            "",
            "## Serialised, sent, received, decoded",
            "",
            *tables.transport(result["transport"]),
            "",
            "## Each claim under each condition",
            "",
            *tables.conditions(result),
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
    return tables.table(["claim", "source", "claimed", "measured", "verdict", "where it is met"], rows)


def short_table(result: dict[str, Any]) -> list[str]:
    """The verdicts in a Markdown table of three columns."""
    rows = []
    for claim in result["claims"]:
        low, high = _range(claim)
        measured = f"{claim['quantity']}: {low:g}" + (f" to {high:g}" if high > low else "")
        where = _where(claim["conditions"])
        rows.append(
            [claim["claim"], measured, claim["verdict"] + (f": {where}" if where != "nowhere" else "")]
        )
    return tables.table(["what papers say", "measured", "verdict"], rows)


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


def _figure(key: str, folder: str | None) -> str:
    return f"![{FIGURES[key]}]({folder}/{key}.svg)" if folder else "(No figure: matplotlib is not installed.)"
