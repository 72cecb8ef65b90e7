"""The four published claims, each held against what was measured, condition by condition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

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
        self.contents = {(c["key"], c["part"]): c for c in result["contents"]}

    def size_ratios(
        self, over: str, under: str, keys: tuple[str, ...] | None = None
    ) -> Iterator[tuple[str, float]]:
        """Size of one encoding over that of another, for each content that has both."""
        for (key, part), content in self.contents.items():
            if keys is None or key in keys:
                a, b = self._rows.get((key, part, over)), self._rows.get((key, part, under))
                if a and b:
                    yield f"{content['name']}, {_part(content)}", a["bytes"] / b["bytes"]

    def time_ratios(self, direction: str, over: str, under: str) -> Iterator[tuple[str, float]]:
        """CPU time of one encoding over that of another."""
        for (key, part), content in self.contents.items():
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
    reason = (
        "Tags dominate light curves: of a row of numbers that takes 4 or 8 bytes each in Avro, XML repeats "
        "every "
        "name twice. Cutouts are bytes already, and base64 makes them 4/3 as long, no more. The schema in "
        "front of "
        "a single alert undoes the rest, and content that is text to begin with (VOEvents) hardly shrinks."
    )
    return Claim(
        "size",
        "Avro is 6 times smaller than XML",
        MAEDA,
        "size of XML over size of Avro",
        6,
        conditions,
        reason,
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
    reason = (
        "The claim compares libraries of one language and year. In Python both sides spend their time on "
        "making "
        "or walking dictionaries, value by value, and lxml does its part in C as fastavro does. Apache's "
        "own Avro "
        "library is written in Python and slower than lxml. Reading only the fields that are needed is "
        "what pays: "
        "see `bench lens`."
    )
    return Claim(
        "speed",
        "Avro is 40 times faster to (de)serialise than XML",
        MAEDA,
        "CPU time of XML over CPU time of Avro",
        40,
        conditions,
        reason,
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
    content = measured.contents.get(("ztf", "whole"), {"cutout_bytes": 0, "schema_bytes": 0})
    reason = (
        f"Most of a ZTF message is cutouts ({content['cutout_bytes'] / 1000:.0f} kB, in gzip, which "
        f"nothing makes "
        f"smaller) and schema ({content['schema_bytes'] / 1000:.0f} kB). XML lengthens the cutouts by a "
        f"third and "
        "adds the tags of the light curve, but it has no schema in it."
    )
    return Claim(
        "half",
        "A ZTF alert in Avro with its schema is half the size of the same content as XML",
        ZADS,
        "size of Avro over size of XML",
        0.5,
        conditions,
        reason,
    )


def _third(measured: Measured) -> Claim:
    conditions = tuple(
        condition
        for codec, said in RENDERINGS
        for condition in _at_most(1 / 3, measured.size_ratios("avro-bare", codec, ("ztf",)), said)
    )
    content = measured.contents.get(("ztf", "whole"))
    cutouts = f" ({content['cutout_bytes'] / 1000:.0f} kB)" if content else ""
    reason = (
        f"With cutouts{cutouts} no XML can be three times as large, because base64 adds a third and not "
        f"two. Without "
        "them the light curve and the candidate are three to five times smaller in Avro."
    )
    return Claim(
        "third",
        "... and without its schema a third",
        ZADS,
        "size of Avro over size of XML",
        round(1 / 3, 3),
        conditions,
        reason,
    )


def _compressed(measured: Measured) -> Claim:
    conditions = (
        *_at_most(2 / 3, measured.size_ratios("avro-ocf", "xml-gzip", ("ztf",)), "with its schema"),
        *_at_most(2 / 3, measured.size_ratios("avro-bare", "xml-gzip", ("ztf",)), "bare"),
        *_at_most(2 / 3, measured.size_ratios("avro-ocf-deflate", "xml-gzip", ("ztf",)), "deflated"),
    )
    content = measured.contents.get(("ztf", "whole"))
    ratio = f" (gzip leaves {content['cutout_gzip_ratio']:.0%} of them)" if content else ""
    reason = (
        f"ZTF's cutouts are FITS in gzip already{ratio}, and gzip takes the base64 off again, so both "
        f"sides end at "
        "the size of the cutouts. Tags that repeat compress to almost nothing; binary floats do not compress."
    )
    return Claim(
        "compressed",
        "A ZTF alert in Avro is two thirds of the size of compressed XML",
        ZADS,
        "size of Avro over size of XML in gzip",
        round(2 / 3, 3),
        conditions,
        reason,
    )


def _seconds(transport: dict[str, Any]) -> Claim:
    seconds = {name: spread["median"] for name, spread in transport["seconds"].items()}
    claimed = transport["quoted_s"] * transport["alerts"] / 1000
    said = f"{transport['alerts']:,} ZTF alerts, {transport['bytes'] / 1e6:.0f} MB, TCP on one machine"
    conditions = tuple(
        Condition(f"{said}; {what}", round(value, 3), value <= claimed * (1 + TOLERANCE))
        for what, value in (
            ("not decoded", seconds["serialise"] + seconds["send and receive"]),
            ("and decoded", seconds["whole"]),
        )
    )
    reason = (
        "A matter of the machine. Most of it is the time that fastavro needs to make and to read the "
        "messages, "
        "not the transport. `bench stream` measures it through a real Kafka broker."
    )
    return Claim(
        "seconds",
        f"1,000 alerts are serialised, sent and received in {transport['quoted_s']} s",
        "DMTN-028 (2018): 3.88 s to produce, 0.30 s in transit; 136 kB each",
        "seconds",
        transport["quoted_s"],
        conditions,
        reason,
    )
