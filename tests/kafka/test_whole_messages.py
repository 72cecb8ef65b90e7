"""The intake keeps events and positions together, also when it appends in the middle of a batch."""

from __future__ import annotations

import threading
from pathlib import Path

from at_once import AtOnce

from bridge.alerts.packet import Document, Origin
from bridge.feed.intake import Intake
from bridge.journal import Journal
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.streams import Batch


def test_the_items_of_one_message_are_kept_with_its_position_or_not_at_all(tmp_path: Path) -> None:
    def item(number: int, offset: int) -> Document:
        xml = f'<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://a.b/c#{number}"/>'
        return Document(xml.encode(), "voevent", Origin("kafka://c/t/0", offset))

    batch = Batch([item(1, 7), item(2, 8), item(3, 8), item(4, 8), item(5, 9)], {"kafka://c/t/0": 10})
    seen: list[tuple[int, int]] = []
    clock = iter(range(1000))
    with Journal.open(tmp_path / "j") as journal:
        intake = Intake(
            [batch],
            lambda previous, past: Pipeline(Plan(), previous=previous, past=past),
            AtOnce(journal, lambda new: seen.append((new[-1].seq, journal.positions()["kafka://c/t/0"]))),
            journal,
            DeadLetters(tmp_path / "dead"),
            threading.Event(),
            now=lambda: float(next(clock)),
        )
        intake.run()
    # Every moment at which the feed could be killed: so many events, and where the next run would begin.
    assert seen == [(1, 8), (4, 9), (5, 10)]
    assert intake.counts.read == 5
