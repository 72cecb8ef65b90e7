"""The measurement: every content in every encoding, growing histories, growing batches."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.encodings.checked import checked_batch, checked_files, pair_for
from benchmarks.encodings.codecs import Codec, UnsuitableError
from benchmarks.encodings.content import (
    CUTOUTS,
    PARTS,
    Content,
    Message,
    cut_history,
    history_rows,
    sample,
    variant,
)
from benchmarks.encodings.timing import Clock, Plan, time_in_turns
from benchmarks.encodings.voevents import packet_codecs

__all__ = ["Study", "batches", "contents", "history", "measure_content"]

TIMED_BYTES = 200_000
# Of these only the whole is timed: cut, they take what ZTF's and LSST's own alerts take.
UNTIMED = {"fink-ztf", "fink-lsst"}
HISTORY_CODECS = ("avro-bare", "avro-ocf", "msgpack", "json", "voevent", "xml", "xml-gzip", "parquet")
HISTORY_ROWS = (0, 1, 3, 10, 30, 100, 300, 1000)
BATCH_CODECS = (
    "avro-ocf",
    "avro-ocf-deflate",
    "avro-ocf-zstd",
    "json-zstd",
    "msgpack-zstd",
    "xml-gzip",
    "arrow",
    "parquet",
)
# A longer document costs as much per alert, and would take most of the time of the run.
LONGEST_XML = 100
# A packet is a tree whose schema refers to itself, and has no plain fields to make elements of.
TREE_FAMILIES = ("Avro", "JSON", "MessagePack")


@dataclass(frozen=True, slots=True)
class Study:
    """What all parts of a run share."""

    codecs: Sequence[Codec]
    plan: Plan
    clock: Clock
    progress: Callable[[str], None]


def contents(study: Study, found: Sequence[Content]) -> Iterator[dict[str, Any]]:
    """Sizes and times of each content and variant."""
    for content in found:
        is_tree = content.key == "voevent"
        codecs = list(study.codecs)
        if is_tree:
            codecs = [c for c in codecs if c.family in TREE_FAMILIES and not c.key.endswith("-long")]
            codecs += packet_codecs()
        for part in ("whole",) if is_tree else PARTS:
            cut = variant(content, part)
            if cut is None:
                continue
            yield measure_content(study, cut, codecs, timed=part == "whole" or content.key not in UNTIMED)


def measure_content(
    study: Study, content: Content, codecs: Sequence[Codec], *, timed: bool
) -> dict[str, Any]:
    """Sizes and, if wanted, times of one content."""
    title = f"{content.name}, {content.part}"
    files: dict[str, list[bytes]] = {}
    unsuitable = []
    for codec in codecs:
        study.progress(f"{title}: sizes, {codec.name}")
        try:
            files[codec.key] = checked_files(codec, content.messages)
        except UnsuitableError as error:
            unsuitable.append(f"{codec.name}: {error}")
    rows: list[dict[str, Any]] = [
        {
            "codec": codec.key,
            "name": codec.name,
            "family": codec.family,
            "library": codec.library,
            "bytes": round(_mean([len(data) for data in files[codec.key]]), 1),
            "encode": None,
            "decode": None,
        }
        for codec in codecs
        if codec.key in files
    ]
    chosen = sample([len(data) for data in next(iter(files.values()))], TIMED_BYTES) if timed else ()
    if timed:
        study.progress(f"{title}: times")
        messages = [content.messages[index] for index in chosen]
        encoded = {key: [data[index] for index in chosen] for key, data in files.items()}
        times = _times(study, [codec for codec in codecs if codec.key in files], messages, encoded)
        for row in rows:
            row["encode"], row["decode"] = times[row["codec"], "encode"], times[row["codec"], "decode"]
    return {
        "key": content.key,
        "name": content.name,
        "part": content.part,
        "origin": content.origin,
        "messages": len(content.messages),
        "messages_timed": len(chosen),
        "received_bytes": content.received_bytes and round(content.received_bytes, 1),
        "schema_bytes": round(_mean([len(m.schema.text) for m in content.messages])),
        "history_rows": round(_mean([history_rows(m) for m in content.messages]), 1),
        **_cutouts(content.messages),
        "encodings": rows,
        "unsuitable": unsuitable,
    }


def _times(
    study: Study, codecs: Sequence[Codec], messages: Sequence[Message], encoded: dict[str, list[bytes]]
) -> dict[Any, dict[str, Any]]:
    functions: dict[Any, Callable[[], object]] = {}
    for codec in codecs:
        work = [(pair_for(codec, m.schema), [m.record]) for m in messages]
        back = [(pair.decode, data) for (pair, _), data in zip(work, encoded[codec.key], strict=True)]
        functions[codec.key, "encode"] = lambda work=work: [p.encode(r) for p, r in work]  # type: ignore[misc]
        functions[codec.key, "decode"] = lambda back=back: [d(b) for d, b in back]  # type: ignore[misc]
    timings = time_in_turns(functions, plan=study.plan, clock=study.clock, calls=len(messages))
    return {key: timing.as_dict() for key, timing in timings.items()}


def history(study: Study, found: Sequence[Content]) -> Iterator[dict[str, Any]]:
    """Sizes of the alert with the longest history, cut shorter and shorter, without cutouts."""
    codecs = [codec for codec in study.codecs if codec.key in HISTORY_CODECS]
    for content in found:
        if content.key not in ("ztf", "lsst", "fink-ztf"):
            continue
        longest = max(content.messages, key=history_rows)
        lines: list[dict[str, Any]] = []
        for rows in HISTORY_ROWS:
            study.progress(f"{content.name}: {rows} rows of history")
            cut = cut_history(longest, rows)
            if lines and history_rows(cut) == lines[-1]["rows"]:
                break
            sizes = {codec.key: len(checked_files(codec, [cut])[0]) for codec in codecs}
            lines.append({"rows": history_rows(cut), "bytes": sizes})
        yield {"key": content.key, "name": content.name, "origin": content.origin, "lines": lines}


def batches(study: Study, content: Content, counts: Sequence[int]) -> dict[str, Any]:
    """Size and times per alert for files of one, ten, and more alerts without cutouts."""
    cut = variant(content, "no cutouts")
    assert cut is not None
    lines = []
    for count in counts:
        messages = cut.messages[:count]
        codecs = [codec for codec in study.codecs if codec.key in BATCH_CODECS]
        if count > LONGEST_XML:
            codecs = [codec for codec in codecs if codec.family != "XML"]
        functions: dict[Any, Callable[[], object]] = {}
        sizes = {}
        for codec in codecs:
            study.progress(f"{count} alerts in a file: {codec.name}")
            data = checked_batch(codec, messages)
            sizes[codec.key] = len(data)
            pair = pair_for(codec, messages[0].schema)
            records = [message.record for message in messages]
            functions[codec.key, "encode"] = lambda pair=pair, records=records: pair.encode(records)  # type: ignore[misc]
            functions[codec.key, "decode"] = lambda pair=pair, data=data: pair.decode(data)  # type: ignore[misc]
        study.progress(f"{count} alerts in a file: times")
        plan = replace(study.plan, fewest=min(study.plan.fewest, 3)) if count >= 100 else study.plan
        times = time_in_turns(functions, plan=plan, clock=study.clock, calls=count)
        lines += [
            {
                "alerts": count,
                "codec": codec.key,
                "name": codec.name,
                "bytes_per_alert": round(sizes[codec.key] / count, 1),
                "encode": times[codec.key, "encode"].as_dict(),
                "decode": times[codec.key, "decode"].as_dict(),
            }
            for codec in codecs
        ]
    return {"origin": f"{cut.origin}, {cut.name}, {cut.part}", "lines": lines}


def _cutouts(messages: Sequence[Message]) -> dict[str, float]:
    """Mean bytes of the cutouts of an alert, and how small gzip makes them."""
    raw = packed = 0
    for message in messages:
        for name in CUTOUTS:
            value = message.record.get(name)
            data = value["stampData"] if isinstance(value, dict) else value
            if isinstance(data, bytes):
                raw += len(data)
                packed += len(gzip.compress(data, 6))
    return {
        "cutout_bytes": round(raw / len(messages), 1),
        "cutout_gzip_ratio": round(packed / raw, 3) if raw else 0.0,
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
