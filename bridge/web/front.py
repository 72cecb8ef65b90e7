"""The pages for people: which there are, what they ask of the journal, and what many who look share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from bridge.errors import SourceError, UsageError
from bridge.journal import JournalReader, Search
from bridge.web.answer import Answer, html_answer
from bridge.web.asking import Asked, read_asked, read_seq, search_of
from bridge.web.desk import Desk, Run
from bridge.web.glimpse import LISTED, take_glimpse
from bridge.web.markup import tag
from bridge.web.page import frame
from bridge.web.page_event import EventView, event_page
from bridge.web.page_events import events_page
from bridge.web.page_feed import feed_page
from bridge.web.snapshot import FeedStatus

__all__ = ["FRESH_S", "Front"]

FRESH_S = 2.0
"""A front page is given to all who ask within so many seconds."""

MOST_EDITIONS = 20

# A packet is a stranger's file: a browser saves it, and if it shows it after all, nothing in it may run.
_PACKET_HEADERS = (("content-security-policy", "default-src 'none'; sandbox"),)

Arguments = Mapping[bytes, list[bytes]]


class Front:
    """Makes the pages. All methods belong to the reactor's thread; the work is done in others.

    Parameters
    ----------
    status
        Gives the state of the feed; called in the reactor's thread.
    journal
        Its journal's file.
    run
        Does a function in a thread and gives a Deferred of its result: ``deferToThread``.
    clock
        The reactor.
    wall
        Unix seconds.
    """

    def __init__(
        self,
        status: Callable[[], FeedStatus],
        journal: Path,
        run: Run,
        clock: Any,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._status = status
        self._clock = clock
        self._wall = wall
        # Two, so that the screen in the control room does not wait for somebody's searches.
        self._feed_desk = Desk(journal, run, clock)
        self._search_desk = Desk(journal, run, clock)
        self._page: tuple[float, Answer] | None = None
        self._asking: list[Deferred[Answer]] | None = None

    def close(self) -> None:
        """Give the journal back; called when no thread works any more."""
        self._feed_desk.close()
        self._search_desk.close()

    def feed(self, _arguments: Arguments) -> Deferred[Answer]:
        """The front page, at most `FRESH_S` old; who asks while it is made gets the same."""
        result: Deferred[Answer] = Deferred()
        if self._page is not None and self._clock.seconds() - self._page[0] < FRESH_S:
            result.callback(self._page[1])
        elif self._asking is not None:
            self._asking.append(result)
        else:
            status = self._status()
            self._asking = [result]
            self._feed_desk.ask(lambda reader: _feed(status, reader)).addBoth(self._share)
        return result

    def events(self, arguments: Arguments) -> Deferred[Answer]:
        """A page of what is searched for."""
        asked, now = read_asked(arguments), self._wall()
        return self._search_desk.ask(lambda reader: _events(asked, now, reader))

    def event(self, arguments: Arguments) -> Deferred[Answer]:
        """The page of one event."""
        seq = read_seq(arguments)
        return self._search_desk.ask(lambda reader: _event(seq, reader))

    def packet(self, arguments: Arguments) -> Deferred[Answer]:
        """The bytes of one event, as they were published."""
        seq = read_seq(arguments)
        return self._search_desk.ask(lambda reader: _packet(seq, reader))

    def _share(self, outcome: Any) -> None:
        asking, self._asking = self._asking or [], None
        if isinstance(outcome, Answer):
            self._page = (self._clock.seconds(), outcome)
        for result in asking:
            # A failure, too, is for all of them.
            result.callback(outcome)


def _feed(status: FeedStatus, reader: JournalReader) -> Answer:
    return html_answer(feed_page(take_glimpse(status, reader)))


def _events(asked: Asked, now: float, reader: JournalReader) -> Answer:
    try:
        found = reader.search(search_of(asked, now), LISTED + 1)
    except (UsageError, SourceError) as error:
        # In the page, so that the form is still there to be mended.
        return html_answer(events_page(asked, [], str(error)), 400 if isinstance(error, UsageError) else 503)
    return html_answer(events_page(asked, found))


def _event(seq: int | None, reader: JournalReader) -> Answer:
    found = reader.search(Search(before=seq + 1), 1) if seq is not None else []
    if not found or found[0].seq != seq:
        return _missing("There is no event at this place of the journal, or it has been forgotten.")
    entries = reader.entries([seq])
    editions = reader.search(Search(ivorn=found[0].ivorn), MOST_EDITIONS)
    return html_answer(event_page(EventView(found[0], entries[0].data if entries else None, editions)))


def _packet(seq: int | None, reader: JournalReader) -> Answer:
    entries = reader.entries([seq]) if seq is not None else []
    if not entries:
        return _missing("There is no packet at this place of the journal, or retention has removed it.")
    name = ("content-disposition", f'attachment; filename="event-{seq}.xml"')
    return Answer(200, "application/xml", entries[0].data, headers=(name, *_PACKET_HEADERS))


def _missing(sentence: str) -> Answer:
    return html_answer(frame("Not found", tag("p", sentence, class_="health ill")), 404)
