"""Twenty-four hours in simulated time, with all that goes wrong in a year; then the books are compared."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from day import HOUR, RETENTION_S, Day
from listener import Listener, Manners


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.no_cover
def test_after_a_day_of_outages_and_crashes_every_durable_subscriber_has_exactly_the_journal(
    tmp_path: Path, seed: int
) -> None:
    day = Day(tmp_path, seed)
    durable = [
        Listener(day, "steady"),
        Listener(day, "shuffling", Manners(shuffle=True)),
        Listener(day, "slow", Manners(pace=1)),
        Listener(day, "nodding-off", Manners(pace=2, leaves=0.001, away_s=HOUR)),
        Listener(day, "flickering", Manners(leaves=0.02, away_s=3)),
        Listener(day, "grumbling", Manners(nak=0.3, shuffle=True, leaves=0.0005, away_s=600)),
        Listener(day, "clogged", Manners(shuffle=True, clogs=0.005)),
        Listener(day, "freezing", Manners(freezes=0.0005)),
    ]
    mute = Listener(day, "mute", Manners(pace=0))
    traveller = Listener(day, "traveller")
    day.listeners = [*durable, mute, traveller]
    day.run(2 * HOUR)

    if traveller.protocol is not None:
        traveller.go(0)
    traveller.back_at = day.now() + RETENTION_S + 2 * HOUR
    seen_before_the_journey = len(traveller.seen)
    day.run(6 * HOUR)
    durable.append(Listener(day, "latecomer", Manners(shuffle=True, leaves=0.001, away_s=30)))
    day.listeners.append(durable[-1])
    day.run(16 * HOUR)

    for listener in day.listeners:
        listener.manners, listener.back_at = Manners(), 0.0
    day.outage_until = 0.0
    day.run(HOUR // 2, peaceful=True)

    last = len(day.upstream.events)
    published = [event.digest for event in reversed(day.journal.find())]
    assert published == [hashlib.sha256(packet).digest() for packet in day.upstream.events]
    assert day.journal.last_seq() == last
    assert day.crashes >= 8
    assert day.outages >= 2
    assert day.removed > 500
    assert min(day.upstream.again, day.upstream.editions, day.upstream.garbage) > 10
    for listener in durable:
        assert listener.served_from is not None
        assert listener.first_seen == list(range(listener.served_from, last + 1)), listener.ivo
        assert day.journal.cursor(listener.ivo) == last
    assert all(listener.served_from == 1 for listener in durable[:-1])
    assert any(listener.repeated for listener in durable), "crashes did repeat something"

    # One that answered nothing all day was dropped and served the same again, as long as that was kept.
    assert mute.connections > 100
    assert set(range(day.first_kept(), last + 1)) <= mute.seen
    # One that stayed away for longer than packets are kept gets the rest: one gap, from where it left.
    missed = sorted(set(range(1, last + 1)) - traveller.seen)
    assert missed == list(range(seen_before_the_journey + 1, missed[-1] + 1))
    assert day.journal.cursor(traveller.ivo) == last
    day.close()
