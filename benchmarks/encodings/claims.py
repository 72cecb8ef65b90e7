"""The four published claims, each held against what was measured, condition by condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.encodings.reasons import reason

__all__ = ["Claim", "Condition", "judge"]

TOLERANCE = 0.10
"""Claims are round numbers: what misses one by less than a tenth still meets it."""
MAEDA = "Maeda 2012, as quoted by papers on alert systems"
ZADS = "papers on the ZTF alert system"


@dataclass(frozen=True, slots=True)
class Condition:
    """What was measured under one condition, and whether the claim is met there."""

    condition: str
    measured: float
    met: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim and the verdict on it: holds, does not hold, or depends."""

    key: str
    claim: str
    source: str
    quantity: str
    claimed: float
    conditions: tuple[Condition, ...]
    reason: str

    @property
    def verdict(self) -> str:
        """In one or two words."""
        met = [condition.met for condition in self.conditions]
        return "holds" if all(met) else "depends" if any(met) else "does not hold"

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        conditions = [asdict(condition) for condition in self.conditions]
        return {**asdict(self), "conditions": conditions, "verdict": self.verdict}


def judge(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Judge the claims by the other parts of a result; a claim of which nothing was measured is left out."""
    measured = Measured(result)
    claims = (
        _six_times_smaller(measured),
        _forty_times_faster(measured),
        _half(measured),
        _third(measured),
        _compressed(measured),
        _seconds(result["transport"]),
    )
    return [claim.as_dict() for claim in claims if claim.conditions]


class Measured:
    """Sizes and times of a result, by content, part and encoding."""

    def __init__(self, result: dict[str, Any]) -> None:
        self._rows = {
            (content["key"], content["part"], row["codec"]): row
            for content in result["contents"]
            for row in content["encodings"]
        }
        self._contents = {(c["key"], c["part"]): c for c in result["contents"]}
        self.ztf: dict[str, Any] | None = self._contents.get(("ztf", "whole"))

    def size_ratios(
        self, over: str, under: str, keys: tuple[str, ...] | None = None
    ) -> Iterator[tuple[str, float]]:
        """Size of one encoding over that of another, for each content that has both."""
        for (key, part), content in self._contents.items():
            if keys is None or key in keys:
                a, b = self._rows.get((key, part, over)), self._rows.get((key, part, under))
                if a and b:
                    yield f"{content['name']}, {_part(content)}", a["bytes"] / b["bytes"]

    def time_ratios(self, direction: str, over: str, under: str) -> Iterator[tuple[str, float]]:
        """CPU time of one encoding over that of another."""
        for (key, part), content in self._contents.items():
            a, b = self._rows.get((key, part, over)), self._rows.get((key, part, under))
            if a and b and a[direction]:
                ratio = a[direction]["cpu"]["median_us"] / max(b[direction]["cpu"]["median_us"], 1e-9)
                yield f"{content['name']}, {_part(content)}", ratio


def _part(content: dict[str, Any]) -> str:
    return {
        "no cutouts": "without cutouts",
        "no history": "without history",
        "neither": "without either",
    }.get(content["part"], "whole")


def _at_least(claimed: float, ratios: Iterator[tuple[str, float]], said: str) -> Iterator[Condition]:
    for condition, ratio in ratios:
        met = ratio >= claimed * (1 - TOLERANCE)
        yield Condition(f"{condition}; {said}", round(ratio, 2), met)


def _at_most(claimed: float, ratios: Iterator[tuple[str, float]], said: str) -> Iterator[Condition]:
    for condition, ratio in ratios:
        met = ratio <= claimed * (1 + TOLERANCE)
        yield Condition(f"{condition}; {said}", round(ratio, 2), met)


def _six_times_smaller(measured: Measured) -> Claim:
    conditions = (
        *_at_least(6, measured.size_ratios("xml", "avro-bare"), "bare Avro"),
        *_at_least(6, measured.size_ratios("xml", "avro-ocf"), "Avro with its schema"),
    )
    return Claim(
        "size",
        "Avro is 6 times smaller than XML",
        MAEDA,
        "size of XML over size of Avro",
        6,
        conditions,
        reason("size", measured.ztf),
    )


def _forty_times_faster(measured: Measured) -> Claim:
    pairs = (
        ("xml", "avro-bare", "lxml against fastavro"),
        ("xml-etree", "avro-bare", "ElementTree against fastavro"),
        ("xml", "avro-bare-apache", "lxml against Apache's avro"),
    )
    conditions = tuple(
        condition
        for direction in ("encode", "decode")
        for over, under, said in pairs
        for condition in _at_least(40, measured.time_ratios(direction, over, under), f"{direction}, {said}")
    )
    return Claim(
        "speed",
        "Avro is 40 times faster to (de)serialise than XML",
        MAEDA,
        "CPU time of XML over CPU time of Avro",
        40,
        conditions,
        reason("speed", measured.ztf),
    )


RENDERINGS = (
    ("xml", "plain XML"),
    ("xml-long", "plain XML, numbers unrounded"),
    ("xml-indented", "plain XML, indented"),
    ("voevent", "VOEvent"),
)


def _half(measured: Measured) -> Claim:
    conditions = tuple(
        condition
        for codec, said in RENDERINGS
        for condition in _at_most(0.5, measured.size_ratios("avro-ocf", codec, ("ztf",)), said)
    )
    return Claim(
        "half",
        "A ZTF alert in Avro with its schema is half the size of the same content as XML",
        ZADS,
        "size of Avro over size of XML",
        0.5,
        conditions,
        reason("half", measured.ztf),
    )


def _third(measured: Measured) -> Claim:
    conditions = tuple(
        condition
        for codec, said in RENDERINGS
        for condition in _at_most(1 / 3, measured.size_ratios("avro-bare", codec, ("ztf",)), said)
    )
    return Claim(
        "third",
        "... and without its schema a third",
        ZADS,
        "size of Avro over size of XML",
        round(1 / 3, 3),
        conditions,
        reason("third", measured.ztf),
    )


def _compressed(measured: Measured) -> Claim:
    conditions = (
        *_at_most(2 / 3, measured.size_ratios("avro-ocf", "xml-gzip", ("ztf",)), "with its schema"),
        *_at_most(2 / 3, measured.size_ratios("avro-bare", "xml-gzip", ("ztf",)), "bare"),
        *_at_most(2 / 3, measured.size_ratios("avro-ocf-deflate", "xml-gzip", ("ztf",)), "deflated"),
    )
    return Claim(
        "compressed",
        "A ZTF alert in Avro is two thirds of the size of compressed XML",
        ZADS,
        "size of Avro over size of XML in gzip",
        round(2 / 3, 3),
        conditions,
        reason("compressed", measured.ztf),
    )


def _seconds(transport: dict[str, Any]) -> Claim:
    claimed = transport["quoted_s"] * transport["alerts"] / 1000
    said = f"{transport['alerts']:,} ZTF alerts, {transport['bytes'] / 1e6:.0f} MB, TCP on one machine"
    conditions = []
    for key, clock in (("seconds", "by the clock"), ("cpu_seconds", "CPU time")):
        step = {name: spread["median"] for name, spread in transport[key].items()}
        for what, value in (
            ("not decoded", step["serialise"] + step["send and receive"]),
            ("and decoded", step["whole"]),
        ):
            met = value <= claimed * (1 + TOLERANCE)
            conditions.append(Condition(f"{said}; {clock}, {what}", round(value, 3), met))
    return Claim(
        "seconds",
        f"1,000 alerts are serialised, sent and received in {transport['quoted_s']} s",
        "DMTN-028 (2018): 3.88 s to produce, 0.30 s in transit; 136 kB each",
        "seconds",
        transport["quoted_s"],
        tuple(conditions),
        reason("seconds", None),
    )
