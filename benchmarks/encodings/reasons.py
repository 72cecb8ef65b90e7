"""Why each published claim holds or does not: the words, with places for what was measured."""

from __future__ import annotations

from typing import Any

__all__ = ["reason"]

_REASONS = {
    "size": """
        Tags dominate light curves: of a number that takes 4 or 8 bytes in Avro, XML writes the name twice
        around its digits. Cutouts are bytes already, and base64 makes them 4/3 as long, no more. The schema
        in front of a single alert undoes much of the rest, and content that is text to begin with
        (VOEvents) hardly shrinks.
        """,
    "speed": """
        The number is of other libraries than these. In Python both sides spend their time on dictionaries,
        value by value, and lxml does its part in C as fastavro does; Apache's own Avro library is written
        in Python and slower than lxml. MessagePack and JSON are faster than either. To read only the fields
        that are needed is what pays: see `bench lens`.
        """,
    "half": """
        Most of a ZTF message is cutouts ({cutouts:.0f} kB, in gzip, which nothing makes smaller) and schema
        ({schema:.0f} kB). XML lengthens the cutouts by a third and adds the tags of the light curve, but
        has no schema in it.
        """,
    "third": """
        With cutouts ({cutouts:.0f} kB) no XML is three times as large, because base64 adds a third and not
        two. Without them, the light curve and the candidate are three to five times as large in XML.
        """,
    "compressed": """
        ZTF's cutouts are FITS in gzip already (gzip leaves {left:.0%} of them), and gzip takes the base64
        off again, so both sides end near the size of the cutouts. Tags that repeat compress to almost
        nothing; the schema in a single alert and binary floats compress far less.
        """,
    "seconds": """
        A matter of the machine, and of what else it does: CPU time is what is left when it is busy. Most of
        it is the time that fastavro takes to make and to read the messages, not the transport. `bench
        stream` measures it through a real Kafka broker.
        """,
}  # fmt: skip


def reason(key: str, ztf: dict[str, Any] | None) -> str:
    """Why, in words.

    Parameters
    ----------
    key
        Of the claim.
    ztf
        The whole ZTF alerts as they were measured; None if they were not.
    """
    content = ztf or {"cutout_bytes": 0, "schema_bytes": 0, "cutout_gzip_ratio": 0}
    filled = _REASONS[key].format(
        cutouts=content["cutout_bytes"] / 1000,
        schema=content["schema_bytes"] / 1000,
        left=content["cutout_gzip_ratio"],
    )
    return " ".join(filled.split())
