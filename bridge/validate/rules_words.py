"""Rules about words of a vocabulary: UCDs and units. They need astropy, which knows both."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from bridge.validate.finding import Context, Finding, Rule, found
from bridge.voevent.vocabulary import vocabulary_checkers

__all__ = ["RULES", "can_check_words", "check_words"]

UCD = Rule(
    "ucd",
    "advice",
    "The UCD is not made of words of the controlled vocabulary, or these stand in the wrong order.",
    "Words of the UCD list, primary words first: stat.error;phot.mag.",
    "UCD1+ controlled vocabulary 1.6",
)
UNIT = Rule(
    "unit",
    "advice",
    "The unit is none that software can convert.",
    "A VOUnit: deg, arcsec, mag, s, d, nJy, ct, km/s ... and none for a number without unit.",
    "VOUnits 1.1",
)

RULES = (UCD, UNIT)


def can_check_words() -> bool:
    """Whether UCDs and units can be checked here."""
    return vocabulary_checkers() is not None


def check_words(packet: Context) -> Iterator[Finding]:
    """Findings about UCDs and units of Params and Fields; none without astropy."""
    if not can_check_words():
        return
    for element in packet.root.iter("{*}Param", "{*}Field"):
        for name, rule in (("ucd", UCD), ("unit", UNIT)):
            word = element.get(name)
            reason = _fault(name, word) if word and not word.isspace() else None
            if reason:
                yield found(rule, element, f"{word!r}: {reason}")


@lru_cache(maxsize=4096)
def _fault(name: str, word: str) -> str | None:
    checkers = vocabulary_checkers()
    return checkers[name == "unit"](word) if checkers else None
