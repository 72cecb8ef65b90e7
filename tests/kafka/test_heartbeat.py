"""A silent GCN is told from a quiet one by its heartbeat."""

from __future__ import annotations

from bridge.streams.kafka.heartbeat import HeartbeatWatch


def test_a_minute_without_heartbeat_is_told_once_and_so_is_its_end() -> None:
    told: list[tuple[str, bool]] = []
    watch = HeartbeatWatch(lambda sentence, is_trouble: told.append((sentence, is_trouble)), 1000.0)
    for second in range(1, 6):
        watch.beat(1000.0 + second)
        watch.look(1000.0 + second)
    for second in (40.0, 65.0):
        watch.look(1000.0 + second)
    assert told == []
    for second in (66.0, 70.0, 300.0):
        watch.look(1000.0 + second)
    assert [is_trouble for _, is_trouble in told] == [True]
    assert told[0][0].startswith("No heartbeat for 61 s")
    watch.beat(1400.0)
    watch.beat(1401.0)
    assert told[1:] == [("The heartbeat is back after 395 s.", False)]
    watch.look(1470.0)
    assert len(told) == 3


def test_a_stream_that_never_begins_to_beat_is_told_too() -> None:
    told: list[str] = []
    HeartbeatWatch(lambda sentence, _: told.append(sentence), 0.0).look(61.0)
    assert len(told) == 1
