"""How commands that run until they are stopped end: after the message at hand, with all they hold in its place."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

__all__ = ["stopping_on_signals"]


@contextmanager
def stopping_on_signals() -> Iterator[Callable[[], bool]]:
    """Gives a question that is answered yes after Ctrl-C or SIGTERM; a second Ctrl-C ends at once."""
    asked = Event()

    def stop(number: int, _frame: object) -> None:
        asked.set()
        signal.signal(number, before[signal.Signals(number)])

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield asked.is_set
    finally:
        for number in numbers:
            signal.signal(number, before[number])
