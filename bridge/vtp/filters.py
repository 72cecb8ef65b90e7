"""Subscribers' XPath filters: which are taken, what they say of an event, and what became of dear ones.

The rules are Comet's (filters are ORed; a result that is not empty and not zero passes; bad syntax is
skipped, and a subscriber left without filters gets everything). An expression that many subscribers
share runs once per event, and never in the network's thread.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Protocol

from bridge.vtp.filter_process import Answer
from bridge.vtp.filter_worker import evaluate
from bridge.vtp.xpath import xpath_fault

__all__ = ["Accepted", "Evaluator", "FilterBoard"]

_log = logging.getLogger(__name__)

_MAX_CHARS = 2_000
# So many results are remembered: they are small, and wanted by all who share a filter, however far apart.
_KEPT_RESULTS = 20_000
# The newest that were too dear are remembered: one that is forgotten is tried, and found too dear, again.
_KEPT_DEAR = 5_000

# An expression that has taken so long in all, and so long on average, is too dear for the others (seconds).
DEAR_IN_ALL_S = 2.0
DEAR_ON_AVERAGE_S = 0.01


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


class Evaluator(Protocol):
    """Evaluates elsewhere (`bridge.vtp.filter_process.FilterProcess`); the answers come back to the board."""

    def ask(self, seq: int, data: bytes, expressions: Sequence[str]) -> None:
        """Have an event tried."""
        ...


@dataclass(slots=True)
class _Cost:
    seconds: float = 0.0
    events: int = 0


class FilterBoard:
    """Knows what filters say of events, for all subscribers of a broadcaster.

    Parameters
    ----------
    max_filters, max_chars
        Bounds for one subscriber.
    evaluator
        Where expressions run. None runs them here and at once: for programs whose expressions are their own.
    news
        Called when answers have come, with the places of the events that they are about.
    trial
        Where expressions run that have never given an answer, so that those who have do not wait for them;
        None: where all run.
    """

    def __init__(
        self,
        max_filters: int = 20,
        max_chars: int = _MAX_CHARS,
        evaluator: Evaluator | None = None,
        news: Callable[[Set[int]], object] | None = None,
        trial: Evaluator | None = None,
    ) -> None:
        self.max_filters = max_filters
        self.max_chars = max_chars
        self.switched_off: dict[str, None] = {}
        self.evaluations = 0
        self._evaluator = evaluator
        self._news = news
        self._trial = trial
        self._results: OrderedDict[int, dict[str, bool | None]] = OrderedDict()
        self._kept_results = 0
        self._costs: OrderedDict[str, _Cost] = OrderedDict()

    def accept(self, expressions: Sequence[str]) -> Accepted:
        """Sort a subscriber's filters into those that will run and those that will not."""
        kept: list[str] = []
        refused: list[tuple[str, str]] = []
        for number, expression in enumerate(dict.fromkeys(expressions)):
            reason = self._refusal(number, expression)
            if reason is None:
                kept.append(expression)
            else:
                refused.append((expression[:200], reason))
            if number >= self.max_filters:
                # Said once: a message holds hundreds.
                break
        return Accepted(tuple(kept), tuple(refused))

    def _refusal(self, number: int, expression: str) -> str | None:
        if number >= self.max_filters:
            return f"only {self.max_filters} filters are taken"
        if len(expression) > self.max_chars:
            return f"it is longer than {self.max_chars} characters"
        if expression in self.switched_off:
            return "it has taken too long before"
        return xpath_fault(expression)

    def passes(self, expressions: Sequence[str], seq: int, data: bytes) -> bool | None:
        """Whether a subscriber with these (accepted) filters gets the event.

        Parameters
        ----------
        seq
            Place in the journal: what is known about it is remembered for a while.
        data
            The event's bytes. An event that is no XML passes no filter.

        Returns
        -------
        bool or None
            None when it is not known yet; it has been asked for, and `news` will be called.
        """
        active = [text for text in expressions if text not in self.switched_off]
        if not active:
            return True
        known = self._results.get(seq)
        if known is None:
            known = self._results[seq] = {}
        unasked = [text for text in active if text not in known]
        if unasked and not any(known.get(text) for text in active):
            self._ask(seq, data, unasked, known)
        verdicts = [known.get(text) for text in active]
        if any(verdicts):
            return True
        return None if None in verdicts else False

    def _ask(self, seq: int, data: bytes, expressions: list[str], known: dict[str, bool | None]) -> None:
        self.evaluations += len(expressions)
        known.update(evaluate(expressions, data) if self._evaluator is None else dict.fromkeys(expressions))
        self._kept_results += len(expressions)
        while self._kept_results > _KEPT_RESULTS:
            self._kept_results -= len(self._results.popitem(last=False)[1])
        if self._evaluator is None:
            return
        untried = [text for text in expressions if text not in self._costs] if self._trial is not None else []
        tried = [text for text in expressions if text not in untried]
        if tried:
            self._evaluator.ask(seq, data, tried)
        if untried and self._trial is not None:
            self._trial.ask(seq, data, untried)

    def answered(self, answers: Sequence[Answer]) -> None:
        """Take note of results; in the network's thread."""
        for answer in answers:
            known = self._results.get(answer.seq)
            if known is not None:
                known[answer.expression] = bool(answer.passes)
            if answer.passes is None:
                self._switch_off(answer.expression, f"more than {answer.seconds:g} s for event {answer.seq}")
            else:
                self._charge(answer)
        if self._news is not None:
            self._news({answer.seq for answer in answers})

    def _charge(self, answer: Answer) -> None:
        cost = self._costs.setdefault(answer.expression, _Cost())
        cost.seconds += answer.seconds
        cost.events += 1
        if cost.seconds > DEAR_IN_ALL_S and cost.seconds > DEAR_ON_AVERAGE_S * cost.events:
            self._switch_off(answer.expression, f"{cost.seconds:.1f} s for {cost.events} events")
        # Forgetting one that is in use would send it among the untried again.
        self._costs.move_to_end(answer.expression)
        if len(self._costs) > _KEPT_RESULTS:
            self._costs.popitem(last=False)

    def _switch_off(self, expression: str, why: str) -> None:
        if expression not in self.switched_off:
            self.switched_off[expression] = None
            if len(self.switched_off) > _KEPT_DEAR:
                del self.switched_off[next(iter(self.switched_off))]
            _log.warning("filter %s has taken %s, and is switched off", ascii(expression), why)
