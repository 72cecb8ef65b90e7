"""What a group is told is what has been written: the next member goes on behind it. Without a broker."""

from __future__ import annotations

import threading

import pytest

from bridge.streams import Batch
from bridge.streams.kafka import partitions as partitions_module
from bridge.streams.kafka.cursors import Cursors
from bridge.streams.kafka.partitions import SharedPartitions
from bridge.streams.kafka.url import parse_url

KEY = "kafka://cluster/alerts/0"


class Consumer:
    """Takes note of what is committed."""

    def __init__(self) -> None:
        self.committed: list[int] = []

    def commit(self, *, offsets, asynchronous: bool = True) -> None:
        self.committed += [one.offset for one in offsets]

    def close(self) -> None:
        pass


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> SharedPartitions:
    monkeypatch.setattr(partitions_module, "COMMIT_S", 0.0)
    cursors = Cursors(parse_url("kafka://host/alerts"), {}, "earliest")
    return SharedPartitions(Consumer(), cursors, True, lambda: False)  # type: ignore[arg-type]


def handed_over(shared: SharedPartitions, offset: int, *, kept: bool) -> Batch:
    batch = Batch((), {KEY: offset})
    batch.kept = kept
    shared.handed_over(batch)
    return batch


def test_what_is_still_being_written_is_not_committed_and_nothing_behind_it(shared: SharedPartitions) -> None:
    handed_over(shared, 1, kept=True)
    slow = handed_over(shared, 2, kept=False)
    handed_over(shared, 3, kept=True)
    assert shared.consumer.committed == [1]
    slow.kept = True
    handed_over(shared, 4, kept=False)
    assert shared.consumer.committed == [1, 3]


def test_partitions_are_given_up_when_what_was_handed_over_is_written(shared: SharedPartitions) -> None:
    slow = handed_over(shared, 2, kept=False)
    writing = threading.Timer(0.05, lambda: setattr(slow, "kept", True))
    writing.start()
    shared._revoked(shared.consumer, [])
    assert shared.consumer.committed == [2]


def test_a_disk_that_refuses_holds_nobody_up_for_long(
    shared: SharedPartitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions_module, "KEEP_S", 0.02)
    handed_over(shared, 1, kept=True)
    handed_over(shared, 2, kept=False)
    shared.close()
    assert shared.consumer.committed == [1]


def test_what_the_group_has_taken_away_is_not_committed_later(shared: SharedPartitions) -> None:
    late = handed_over(shared, 2, kept=False)
    shared._taken(shared.consumer, [])
    late.kept = True
    shared.close()
    assert shared.consumer.committed == []
