"""At most so many alerts per visit, the best ones: against a plain sort, and against the clock."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import ConfigError, ExpressionError, PacketError
from bridge.filters import Capper, FilterSet, Held, load_filters

Encode = Callable[..., bytes]

CAPPED = """
[[filter]]
name = "best"
where = "d0 > 0"
cap = {cap}
order_by = "{order}"
visit = "i1"
wait = 30
"""


def load(folder: Path, text: str) -> FilterSet:
    (folder / "filters.toml").write_text(text)
    return load_filters(folder / "filters.toml")


class Stream:
    """Offers alerts to a capper, and keeps what it is told about each."""

    def __init__(self, filters: FilterSet, schema: Schema, encode: Encode) -> None:
        self.filters = filters
        self.capper = Capper(filters)
        self.schema = schema
        self.encode = encode
        self.select = filters.compile(schema)
        self.all: list[Held] = []

    def send(self, *, lane: str = "a", stream_s: float | None = None, now_s: float = 0.0, **row: Any) -> Held:
        data = self.encode(**{"d0": 1.0, **row})
        packet = Packet(data, 0, len(data), self.schema, Origin(lane, len(self.all)))
        held = self.capper.offer(packet, self.select.read(packet), lane, stream_s, now_s)
        self.all.append(held)
        return held

    @property
    def passed(self) -> list[int]:
        """Places in the stream of the alerts let through."""
        return [number for number, held in enumerate(self.all) if held.passed]

    @property
    def waiting(self) -> list[int]:
        return [number for number, held in enumerate(self.all) if held.pending]


@pytest.fixture
def stream(tmp_path: Path, schema: Schema, encode: Encode) -> Callable[..., Stream]:
    def make(text: str = CAPPED, **parts: object) -> Stream:
        values = {"cap": 2, "order": "d1 DESC", **parts}
        return Stream(load(tmp_path, text.format(**values)), schema, encode)

    return make


RANKS = st.one_of(st.none(), st.just(math.nan), st.integers(-3, 3).map(float), st.just(math.inf))
ROWS = st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 4)), RANKS, st.booleans()), max_size=40)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, cap=st.integers(1, 4), descending=st.booleans())
def test_what_is_let_through_is_what_a_sort_of_each_visit_would_let_through(
    rows: list[tuple[int | None, float | None, bool]],
    cap: int,
    descending: bool,
    tmp_path_factory: pytest.TempPathFactory,
    schema: Schema,
    encode: Encode,
) -> None:
    folder = tmp_path_factory.getbasetemp()
    text = CAPPED.format(cap=cap, order="d1 DESC NULLS LAST" if descending else "d1")
    stream = Stream(load(folder, text), schema, encode)
    by_visit: dict[int | None, list[tuple[Any, ...]]] = defaultdict(list)
    for number, (visit, rank, wanted) in enumerate(rows):
        stream.send(i1=visit, d1=rank, d0=1.0 if wanted else -1.0)
        assert len(stream.waiting) <= cap * len(by_visit.keys() | {visit}), "no more than the cap is held"
        if wanted:
            missing = rank is None or math.isnan(rank)
            worth = 0.0 if missing else -rank if descending else rank  # type: ignore[operator]
            by_visit[visit].append((missing, worth, number))
    assert not stream.passed
    stream.capper.finish()
    expected = sorted(place[-1] for places in by_visit.values() for place in sorted(places)[:cap])
    assert stream.passed == expected
    assert not stream.waiting
    assert stream.capper.capped == [sum(map(len, by_visit.values())) - len(expected)]
    kept = [n for n, held in enumerate(stream.all) if rows[n][2] and held.packet is not None]
    assert kept == expected, "what has no room is let go of"


def test_a_visit_is_over_when_every_lane_has_shown_a_later_one(stream: Callable[..., Stream]) -> None:
    one = stream()
    one.capper.set_lanes(["a", "b"], 0.0)
    for rank in (1.0, 3.0, 2.0):
        one.send(lane="a", i1=7, d1=rank, now_s=1.0)
    one.send(lane="a", i1=8, d1=9.0, now_s=1.0)
    assert not one.capper.settle(2.0), "lane b may still bring alerts of visit 7"
    # An alert that no filter wants says as much about the stream.
    one.send(lane="b", i1=8, d0=-1.0, now_s=2.0)
    assert one.capper.settle(2.0)
    assert one.passed == [1, 2]
    assert one.waiting == [3]


def test_a_silent_lane_holds_nobody_up_longer_than_the_wait(stream: Callable[..., Stream]) -> None:
    one = stream()
    one.capper.set_lanes(["a", "b"], 0.0)
    one.send(lane="a", i1=7, d1=1.0, now_s=10.0)
    one.send(lane="a", i1=8, d1=1.0, now_s=20.0)
    assert not one.capper.settle(29.9)
    assert one.capper.settle(30.0)
    assert one.passed == [0]


def test_without_a_later_visit_the_last_one_is_over_after_the_wait(stream: Callable[..., Stream]) -> None:
    one = stream()
    one.send(i1=7, d1=1.0, now_s=10.0)
    assert not one.capper.settle(39.0)
    assert one.capper.settle(40.0)
    assert one.passed == [0]


def test_a_lane_that_is_read_from_the_past_passes_a_visit_by_the_times_of_its_messages(
    stream: Callable[..., Stream],
) -> None:
    one = stream()
    one.send(lane="a", i1=None, d1=1.0, stream_s=1000.0)
    one.send(lane="a", i1=7, d0=-1.0, stream_s=1030.0)
    assert not one.capper.settle(0.0), "an alert without visit waits for the time to pass"
    one.send(lane="a", i1=7, d0=-1.0, stream_s=1030.1)
    assert one.capper.settle(0.0)
    assert one.passed == [0]


def test_a_visit_that_never_ends_is_cut(stream: Callable[..., Stream]) -> None:
    one = stream()
    for second in range(0, 120, 20):
        one.send(i1=7, d1=float(second), now_s=float(second))
        assert not one.capper.settle(float(second))
    one.send(i1=7, d1=0.5, now_s=120.0)
    assert one.capper.settle(120.0)
    assert one.passed == [4, 5]


def test_late_alerts_are_counted_and_pass_as_far_as_there_is_room(stream: Callable[..., Stream]) -> None:
    one = stream(cap=3)
    for rank in (5.0, 6.0):
        one.send(i1=7, d1=rank)
    one.send(i1=8, d1=1.0)
    one.capper.settle(0.0)
    assert one.passed == [0, 1]
    for rank in (1.0, 9.0, 2.0):
        one.send(i1=7, d1=rank)
    one.capper.settle(0.0)
    assert one.passed == [0, 1, 4], "the best of the late ones takes the room that was left"
    one.send(i1=7, d1=99.0)
    one.capper.settle(0.0)
    assert one.passed == [0, 1, 4]
    assert one.capper.late == [4]
    assert one.capper.capped == [3]


def test_without_an_order_the_first_pass_at_once(stream: Callable[..., Stream]) -> None:
    one = stream('[[filter]]\nname = "first"\nwhere = "d0 > 0"\ncap = 2\nvisit = "s0"\n')
    for visit in "aabab":
        one.send(s0=visit)
    assert one.passed == [0, 1, 2, 4]
    assert not one.waiting


def test_caps_of_several_filters_do_not_touch_each_other(stream: Callable[..., Stream]) -> None:
    one = stream(
        CAPPED + '[[filter]]\nname = "free"\nwhere = "d0 > 5"\n'
        '[[filter]]\nname = "faint"\nwhere = "d0 > 0"\ncap = 1\norder_by = "abs(d1)"\nvisit = "i1"\n'
    )
    for value, rank in ((9.0, 3.0), (1.0, 2.0), (9.0, 1.0)):
        one.send(i1=7, d0=value, d1=rank)
    assert [held.passed for held in one.all] == [[1], [], [1]]
    one.capper.finish()
    assert [sorted(held.passed) for held in one.all] == [[0, 1], [0], [1, 2]]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(st.integers(1, 2), st.integers(-9, 9)), max_size=30), cap=st.integers(1, 3))
def test_an_alert_that_one_filter_has_no_room_for_is_still_there_for_another(
    rows: list[tuple[int, int]],
    cap: int,
    tmp_path_factory: pytest.TempPathFactory,
    schema: Schema,
    encode: Encode,
) -> None:
    high, low = (CAPPED.format(cap=cap, order=order) for order in ("d1 DESC", "d1"))
    filters = load(tmp_path_factory.getbasetemp(), high + low.replace('"best"', '"other"'))
    stream = Stream(filters, schema, encode)
    for visit, rank in rows:
        stream.send(i1=visit, d1=float(rank))
    stream.capper.finish()
    for index, sign in ((0, -1), (1, 1)):
        expected = {
            number
            for visit in (1, 2)
            for _, number in sorted((sign * r, n) for n, (v, r) in enumerate(rows) if v == visit)[:cap]
        }
        passed = {number for number, held in enumerate(stream.all) if index in held.passed}
        assert passed == expected
    assert all((held.packet is not None) == bool(held.passed) for held in stream.all)


def test_to_have_memory_back_the_oldest_visit_is_closed_first(stream: Callable[..., Stream]) -> None:
    one = stream()
    for visit in (7, 9, 8):
        one.send(i1=visit, d1=1.0)
    assert one.capper.close_oldest()
    assert one.passed == [0]
    one.capper.drop()
    assert not one.capper.close_oldest()
    assert one.passed == [0]


def test_surveys_in_one_stream_have_visits_of_their_own(stream: Callable[..., Stream]) -> None:
    one = stream(CAPPED.replace('"i1"', '"coalesce(s1, s0)"'))
    other = parse_schema({"type": "record", "name": "o", "fields": [{"name": "z", "type": "double"}]})
    one.send(s0="x", d1=1.0)
    packet = Packet(bytes(8), 0, 8, other, Origin("a", 1))
    assert one.capper.offer(packet, [], "a", None, 0.0).passed == [], "no cap applies to what no filter fits"


def test_lsst_and_ztf_visits_are_known(lsst_distribution: Path, tmp_path: Path) -> None:
    from bridge.simulate import simulate

    texts = {
        "lsst": ("diaSource.snr > 0", "diaSource.snr DESC"),
        "ztf": ("candidate.rb > 0", "candidate.magpsf"),
    }
    for survey, (where, order) in texts.items():
        text = f'[[filter]]\nname = "a"\nwhere = "{where}"\ncap = 3\norder_by = "{order}"\n'
        filters = load(tmp_path, text)
        capper, select = Capper(filters), None
        counts = []
        for visit in simulate(survey, visits=3, alerts=12, seed=4):
            held = []
            for alert in visit:
                select = select or filters.compile(alert.packet.schema)
                held.append(capper.offer(alert.packet, select.read(alert.packet), "", None, 0.0))
            capper.settle(0.0)
            counts.append(held)
        capper.finish()
        assert [sum(bool(h.passed) for h in held) for held in counts] == [3, 3, 3]


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("cap = 0", "whole number from 1"),
        ("cap = true", "whole number from 1"),
        ('order_by = "d1"', "needs a cap"),
        ("wait = 3", "needs a cap"),
        ("cap = 2\nwait = 0", "seconds above 0"),
        ("cap = 2\nvisit = 7", "visit to be a string"),
        ("caps = 2", "unknown key 'caps'"),
    ],
)
def test_a_cap_with_a_mistake_is_explained(tmp_path: Path, lines: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        load(tmp_path, f'[[filter]]\nname = "a"\nwhere = "d0 > 0"\n{lines}\n')


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("d1 DESC NULLS FIRST", "always last"),
        ("d1 DESC, d2", "not valid SQL|cannot be used"),
        ("s0", "a number is wanted"),
        ("d1 > 2", "a number is wanted"),
        ("epochs.mag", "light-curve column"),
        ("nothing", "nothing"),
        ("", "empty"),
    ],
)
def test_an_order_with_a_mistake_is_explained(stream: Callable[..., Stream], order: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        stream(order=order).send(i1=1)


def test_a_later_schema_without_visit_costs_its_packets_only(stream: Callable[..., Stream]) -> None:
    one = stream()
    one.send(i1=1)
    fields = [{"name": "d0", "type": "double"}, {"name": "d1", "type": "double"}]
    other = parse_schema({"type": "record", "name": "other", "fields": fields})
    packet = Packet(bytes(16), 0, 16, other, Origin("a", 1))
    with pytest.raises(PacketError, match="i1"):
        one.capper.offer(packet, [0], "a", None, 0.0)


def test_serve_and_convert_do_not_pass_over_a_cap(tmp_path: Path) -> None:
    from bridge.pipeline import Pipeline, Plan

    load(tmp_path, CAPPED.format(cap=2, order="d1"))
    with pytest.raises(ConfigError, match="only voevent-bridge filter applies"):
        Pipeline(Plan(filters_file=tmp_path / "filters.toml"))
