"""Searches: what is found is what a look at every event would find, and indexes find it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import SourceError, UsageError
from bridge.journal import Cone, Journal, NewEntry, Search
from bridge.journal.search import conditions
from bridge.journal.selection import kept_events
from bridge.sky import separation

# Poles, the meridian from both sides, boundaries of zones, and what a stranger's packet may say.
PLACES = [
    (0.0, 0.0), (359.999, 0.0), (0.001, 0.0), (360.0, 0.2), (-0.5, -0.2), (719.9, 0.1),
    (-359.9, 0.1), (720.1, 0.1), (10.0, 0.5), (10.0, -0.5),
    (0.0, 90.0), (123.0, 90.0), (200.0, 89.99), (20.0, 89.6), (45.0, -90.0), (225.0, -89.7), (180.0, 30.0),
    (180.2, 30.1), (179.9, 29.9), (180.0, 31.0), (90.0, 60.0), (90.5, 60.3), (12.0, 99.0), (1e9, 10.0),
]  # fmt: skip


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    """Published one a minute."""
    time = [1_700_000_000.0]
    with Journal.open(
        tmp_path_factory.mktemp("search") / "j", durability="normal", clock=lambda: time[0]
    ) as journal:
        for n, (ra_deg, dec_deg) in enumerate([*PLACES, (None, None)] * 4):
            stream = ("ztf", "ztf2", "lsst")[n % 3]
            entry = NewEntry(
                f"ivo://org.example/{stream}#{n:03d}", b"<v/>", "authored", b"d",
                ("observation", "test")[n % 2],
                object_key=f"o{n % 5}", ra_deg=ra_deg, dec_deg=dec_deg,
            )  # fmt: skip
            journal.append([entry])
            time[0] += 60
        yield journal


class Told:
    """What a journal might have told before a search."""

    def __init__(self, many: bool) -> None:
        self.many = many

    def seq_at(self, time_unix_s: float) -> int:
        return 5

    def seq_before(self, time_unix_s: float) -> int:
        return 3

    def first_seq(self) -> int:
        return 1

    def last_seq(self) -> int:
        return 100

    def has_many(self, low: str, high: str) -> bool:
        return self.many


ANGLES = st.floats(0, 180) | st.sampled_from([0.0, 0.001, 0.5, 1.0, 19.99, 20.0, 20.01, 89.9, 90.0, 180.0])
NEAR = st.sampled_from(PLACES[:-2])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(st.floats(-400, 800), st.floats(-90, 90)) | NEAR, ANGLES)
def test_a_cone_holds_what_lies_within_its_radius(journal: Journal, centre, radius_deg: float) -> None:
    found = {event.seq for event in journal.find(cone=Cone(*centre, radius_deg))}
    for event in journal.find():
        if event.ra_deg is None or event.dec_deg is None:
            assert event.seq not in found
            continue
        distance = separation(event.ra_deg, event.dec_deg, *centre)
        plausible = -360 <= event.ra_deg <= 720
        assert (event.seq in found) == (plausible and distance <= radius_deg)


@given(st.text("ivo:/.zt#f2lsorgexampl0*?[]-!^$%1é", max_size=24))
def test_a_pattern_finds_what_it_matches(journal: Journal, pattern: str) -> None:
    found = {event.ivorn for event in journal.find(glob=pattern)}
    for event in journal.find():
        if "[" not in pattern:
            # Brackets mean slightly other things to Python and SQLite.
            assert (event.ivorn in found) == fnmatch.fnmatchcase(event.ivorn, pattern)


def test_patterns_with_brackets(journal: Journal) -> None:
    found = journal.find(glob="ivo://org.example/ztf*#00[0-4]")
    assert [event.ivorn for event in found] == [
        "ivo://org.example/ztf2#004", "ivo://org.example/ztf#003", "ivo://org.example/ztf2#001", "ivo://org.example/ztf#000",
    ]  # fmt: skip


def test_times_select_what_was_published_between_them(journal: Journal) -> None:
    begin = 1_700_000_000.0
    found = journal.find(since=begin + 600, until=begin + 1200)
    assert [event.published_at for event in found] == [begin + 60 * n for n in range(19, 9, -1)]
    assert journal.find(since=begin + 1e6) == []
    assert journal.find(until=begin) == []


def test_a_clock_that_was_set_back_hides_nothing(tmp_path: Path) -> None:
    time = [1000.0]
    with Journal.open(tmp_path / "j", clock=lambda: time[0]) as journal:
        for n, at in enumerate([5000.0, 5010.0, 5020.0, 4000.0, 5005.0, 5015.0]):
            time[0] = at
            journal.append([NewEntry(f"ivo://a/b#{n}", b"", "relayed", b"%d" % n, "test")])
        assert [event.seq for event in journal.find(since=5007.0)] == [6, 3, 2]
        assert [event.seq for event in journal.find(until=5007.0)] == [5, 4, 1]


def test_all_that_is_asked_for_must_hold_and_the_newest_come_first(journal: Journal) -> None:
    found = journal.find(cone=Cone(0, 90, 1), role="test", stream="ivo://org.example/lsst")
    assert [event.seq for event in found] == sorted((event.seq for event in found), reverse=True)
    assert found
    assert all(event.role == "test" and event.ivorn.startswith("ivo://org.example/lsst#") for event in found)
    page = journal.find(role="test", limit=3)
    rest = journal.find(role="test", before=page[-1].seq)
    assert page + rest == journal.find(role="test")


def test_an_export_holds_what_a_search_finds_oldest_first_and_no_removed_packet(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "j", clock=lambda: 1000.0) as journal:
        for n in range(200):
            journal.append(
                [NewEntry(f"ivo://a/b#{n}", b"%d" % n, "relayed", b"%d" % n, "test", ra_deg=n, dec_deg=0.0)]
            )
        journal.prune(2000.0, 5)
        found = [entry.seq for entry in kept_events(journal, Search(cone=Cone(0, 0, 10)), page=3)]
        assert found == [6, 7, 8, 9, 10, 11]
        assert len(list(kept_events(journal))) == 195


@pytest.mark.parametrize(
    ("search", "index"),
    [
        (Search(cone=Cone(10, 10, 1)), "event_sky"),
        (Search(cone=Cone(10, 89.5, 1)), "event_sky"),
        (Search(glob="ivo://a/*"), "event_identity"),
        (Search(stream="ivo://a/b"), "event_identity"),
        (Search(ivorn="ivo://a/b#c"), "event_identity"),
        (Search(object_key="a"), "event_object"),
        (Search(role="test"), "event_role"),
        (Search(since=1.0), "PRIMARY KEY"),
    ],
)
def test_searches_use_indexes(journal: Journal, search: Search, index: str) -> None:
    where, values = conditions(search, Told(many=False))
    plan = journal._rows(
        f"EXPLAIN QUERY PLAN SELECT seq FROM event{where} ORDER BY seq DESC LIMIT 50", values
    )
    assert any(index in step[3] for step in plan), plan
    assert not any(step[3] == "SCAN event" for step in plan), plan


CONE = Cone(180.0, 12.3, 0.15)


def test_a_small_cone_looks_at_few_events_of_its_zone(tmp_path: Path) -> None:
    time = [1_000.0]
    with Journal.open(tmp_path / "j", durability="normal", clock=lambda: time[0]) as journal:
        for third in range(3):
            # Three times around the sky, in as many stretches of the index.
            journal.append(
                [
                    NewEntry(
                        f"ivo://a/b{third}#{n}",
                        b"<v/>",
                        "authored",
                        b"d",
                        "test",
                        ra_deg=n * 0.1,
                        dec_deg=12.3,
                    )
                    for n in range(3_600)
                ]
            )
            time[0] += 86_400.0
        steps = [0]

        def count() -> None:
            steps[0] += 1

        with journal._using() as connection:
            connection.set_progress_handler(count, 1)
        found = journal.find(cone=CONE)
        assert [event.ra_deg for event in found] == pytest.approx([180.1, 180.0, 179.9] * 3)
        assert [event.ivorn[9] for event in found] == ["2"] * 3 + ["1"] * 3 + ["0"] * 3
        assert steps[0] < 3_000, "the zone has 10,800 events, and each takes some steps"
        all_took, steps[0] = steps[0], 0
        assert [event.ivorn[9] for event in journal.find(cone=CONE, since=2 * 86_400.0)] == ["2"] * 3
        assert steps[0] < 0.75 * all_took, "only where the time may be"


def test_a_stream_of_many_events_is_read_from_its_newest(journal: Journal) -> None:
    where, values = conditions(Search(stream="ivo://a/b"), Told(many=True))
    plan = journal._rows(
        f"EXPLAIN QUERY PLAN SELECT seq FROM event{where} ORDER BY seq DESC LIMIT 50", values
    )
    assert [step[3] for step in plan] == ["SCAN event"]


@pytest.mark.parametrize(
    "cone", [(float("nan"), 0, 1), (0, 91, 1), (0, 0, -1), (0, 0, 181), (0, float("nan"), 1)]
)
def test_a_cone_that_is_none_is_refused(cone: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match=r"There is no position|cannot have the radius"):
        Cone(*cone)


def test_a_search_is_broken_off_when_its_time_is_over_and_the_next_one_is_not(journal: Journal) -> None:
    ticks = iter(range(10**6))
    with journal.reader() as reader:
        with (
            reader.at_most(1.0, clock=lambda: float(next(ticks))),
            pytest.raises(SourceError, match="took too long and was broken off"),
        ):
            # Every pair of events: no index helps.
            reader._rows("SELECT count(*) FROM event a, event b WHERE a.ivorn < b.object_key")
        with reader.at_most(3600.0):
            assert len(reader.search(Search(), 5)) == 5
        assert len(reader.search(Search(), 5)) == 5
