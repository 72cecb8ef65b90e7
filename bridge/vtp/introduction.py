"""What follows when a subscriber says who it is: its filters, its name, and from where it is served.

A name is a claim: it stays what it was first, and two connections may bear the same.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bridge.vtp.events import Authenticated
from bridge.vtp.since import place_since

if TYPE_CHECKING:
    from bridge.vtp.subscriber import SubscriberProtocol

__all__ = ["introduce"]

_log = logging.getLogger(__name__)


def introduce(subscriber: SubscriberProtocol, event: Authenticated) -> None:
    """Take a subscriber at its word; raises `BridgeError` where its place cannot be looked up."""
    accepted = subscriber.broadcaster.board.accept(event.filters)
    subscriber.filters = accepted.expressions
    subscriber.asked_up_to = subscriber.waits_for = 0
    for expression, why in accepted.refused:
        _log.warning(
            "subscriber %s: filter %s is skipped: %s",
            subscriber.address,
            ascii(expression),
            why,
            extra=subscriber.extra,
        )
    if event.ivo != subscriber.ivo and subscriber.ivo is not None:
        _log.warning(
            "subscriber %s now calls itself %r; it stays %r",
            subscriber.address,
            event.ivo,
            subscriber.ivo,
            extra=subscriber.extra,
        )
    elif not event.late or (event.ivo is not None and subscriber.ivo is None):
        _give_place(subscriber, event)


def _give_place(subscriber: SubscriberProtocol, event: Authenticated) -> None:
    cursors = subscriber.broadcaster.cursors
    flight = subscriber.connection.flight
    subscriber.ivo = event.ivo
    saved = cursors.saved(event.ivo) if event.ivo else None
    asked = _asked(subscriber, event.since) if event.since else None
    if asked is not None:
        start = min(asked, subscriber.broadcaster.log.last_seq())
    elif saved is not None:
        start = min(saved, subscriber.broadcaster.log.last_seq())
    elif event.late:
        start = flight.passed_seq
    else:
        start = cursors.newcomer_start(subscriber.newest_at_connect)
    # One that is late with its name has been served as a newcomer already: it goes back, never ahead.
    if not event.late or start < flight.handled_seq:
        flight.restart(start)
    if event.ivo and cursors.connections_of(event.ivo):
        _log.warning(
            "subscriber %s: another connection calls itself %r too; both are served, and the place "
            "of the slower one is kept",
            subscriber.address,
            event.ivo,
            extra=subscriber.extra,
        )
    _log.info(
        "subscriber %s is %s, served from event %d on",
        subscriber.address,
        ascii(event.ivo) if event.ivo else "nameless",
        flight.passed_seq + 1,
        extra=subscriber.extra | {"known": saved is not None},
    )


def _asked(subscriber: SubscriberProtocol, since: str) -> int | None:
    place = place_since(since, subscriber.broadcaster.log, subscriber.broadcaster.wall())
    if place is None:
        _log.warning(
            "subscriber %s asks for what came since %s, which says nothing here",
            subscriber.address,
            ascii(since[:200]),
            extra=subscriber.extra,
        )
    return place
