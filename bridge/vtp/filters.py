"""Subscribers' XPath filters: a stranger's expressions over our events, so bounded before they run.

The rules are Comet's (filters are ORed; a result that is not empty and not zero passes; bad syntax is
skipped, and a subscriber left without filters gets everything). An expression that many subscribers
share runs once per event.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lxml import etree

from bridge.vtp.messages import safe_parser
from bridge.vtp.xpath_cost import cost_refusal

__all__ = ["Accepted", "FilterBoard", "compile_filter", "fault_of", "refusal_of"]

VOEVENT_NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"

_MAX_CHARS = 2_000
# Trees are large, and wanted again only by subscribers at the same place with other filters; results are
# small, and wanted again by all who share a filter, wherever they are on their way.
_KEPT_TREES = 64
_KEPT_RESULTS = 20_000


def refusal_of(expression: str, max_chars: int = _MAX_CHARS) -> str | None:
    """Why an expression is not evaluated; None when it is harmless."""
    if len(expression) > max_chars:
        return f"it is longer than {max_chars} characters"
    return fault_of(expression) or cost_refusal(expression)


def fault_of(expression: str) -> str | None:
    """What is wrong with an expression that another broker shall evaluate; None when it is XPath 1.0."""
    try:
        etree.XPath(expression, namespaces={"voe": VOEVENT_NAMESPACE}, regexp=False)
    except etree.XPathError as error:
        return f"it is not XPath 1.0 ({error})"
    except ValueError:
        return "it holds characters that XML does not have"
    return None


@lru_cache(maxsize=1024)
def compile_filter(expression: str) -> etree.XPath:
    """An expression that `refusal_of` accepts, ready to run; ``voe`` stands for VOEvent 2.0's namespace."""
    return etree.XPath(expression, namespaces={"voe": VOEVENT_NAMESPACE}, regexp=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of a subscriber's filters.

    Parameters
    ----------
    expressions
        Those that will be evaluated; empty means that every event passes.
    refused
        The others, each with the reason.
    """

    expressions: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


class FilterBoard:
    """Evaluates filters for all subscribers of a broadcaster.

    Parameters
    ----------
    max_filters, max_chars
        Bounds for one subscriber.
    slow_s
        An expression that takes longer on one event is switched off for good, as if its syntax were bad.
    stopwatch
        Gives seconds; a test passes its own.
    """

    def __init__(
        self,
        max_filters: int = 20,
        max_chars: int = _MAX_CHARS,
        slow_s: float = 0.25,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.max_filters = max_filters
        self.max_chars = max_chars
        self.slow_s = slow_s
        self.switched_off: set[str] = set()
        self.evaluations = 0
        self._stopwatch = stopwatch
        self._results: OrderedDict[int, dict[str, bool]] = OrderedDict()
        self._kept_results = 0
        self._trees: OrderedDict[int, etree._Element | None] = OrderedDict()

    def accept(self, expressions: Sequence[str]) -> Accepted:
        """Sort a subscriber's filters into those that will run and those that will not."""
        kept: list[str] = []
        refused: list[tuple[str, str]] = []
        for number, expression in enumerate(dict.fromkeys(expressions)):
            reason = (
                f"only {self.max_filters} filters are taken"
                if number >= self.max_filters
                else refusal_of(expression, self.max_chars)
            )
            if reason is None:
                kept.append(expression)
            else:
                refused.append((expression[:200], reason))
        return Accepted(tuple(kept), tuple(refused))

    def passes(self, expressions: Sequence[str], seq: int, data: bytes) -> bool:
        """Whether a subscriber with these (accepted) filters gets the event.

        Parameters
        ----------
        seq
            Place in the journal: what is known about it is remembered for a while.
        data
            The event's bytes. An event that is no XML passes no filter.
        """
        active = [text for text in expressions if text not in self.switched_off]
        if not active:
            return True
        results = self._results.get(seq)
        if results is None:
            results = self._results[seq] = {}
        passed = False
        for text in active:
            known = results.get(text)
            if known is None:
                known = results[text] = self._evaluate(text, seq, data)
                self._kept_results += 1
            if known:
                passed = True
                break
        while self._kept_results > _KEPT_RESULTS:
            self._kept_results -= len(self._results.popitem(last=False)[1])
        return passed

    def _evaluate(self, expression: str, seq: int, data: bytes) -> bool:
        root = self._tree(seq, data)
        started = self._stopwatch()
        try:
            result = root is not None and bool(compile_filter(expression)(root))
        except etree.XPathError:
            # An unknown prefix or function: Comet, too, counts it as 'does not pass'.
            result = False
        if self._stopwatch() - started > self.slow_s:
            self.switched_off.add(expression)
        self.evaluations += 1
        return result

    def _tree(self, seq: int, data: bytes) -> etree._Element | None:
        if seq in self._trees:
            return self._trees[seq]
        try:
            root = etree.fromstring(data, parser=safe_parser())
        except (etree.XMLSyntaxError, ValueError):
            root = None
        self._trees[seq] = root
        if len(self._trees) > _KEPT_TREES:
            self._trees.popitem(last=False)
        return root
