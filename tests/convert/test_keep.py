"""Alerts in line: what goes on, in which order, and where the next run would begin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.lens import compile_lens
from bridge.alerts.packet import Item, Origin, Packet, Refusal
from bridge.convert import keep as keep_module
from bridge.convert.keep import Keeper
from bridge.convert.lanes import Lanes
from bridge.filters import Held, Together, load_filters
from bridge.simulate import simulate
from bridge.streams import Batch

FILTERS = """
[[filter]]
name = "best"
where = "candidate.rb > 0"
cap = 2
order_by = "candidate.magpsf"
[[filter]]
name = "red"
where = "candidate.fid = 2"
"""


def packet(offset: int, lane: str = "a") -> Packet:
    from bridge.alerts.schema import parse_schema

    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "i", "type": "long"}]})
    return Packet(b"\x00", 0, 1, schema, Origin(lane, offset))


# Several alerts of one message; each is undecided, let through or dropped when it comes, or is decided later.
STORIES = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.integers(1, 3), st.sampled_from(["passes", "drops", "waits"]), st.booleans()
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(STORIES, st.randoms(use_true_random=False))
def test_before_a_position_everything_is_given_away_and_behind_it_nothing(
    stories: list[tuple[str, int, str, bool]], dice: object
) -> None:
    lanes = Lanes()
    offsets = {"a": 0, "b": 0}
    undecided: list[tuple[Held, bool]] = []
    wanted: dict[tuple[str, int], int] = {}
    given_away: list[Packet] = []

    def check() -> None:
        for held in lanes.take():
            assert held.packet is not None
            given_away.append(held.packet)
        positions = lanes.positions()
        for each in given_away:
            assert each.origin.offset < positions[each.origin.partition], "it would come again"
        for (lane, offset), count in wanted.items():
            if lane in positions and offset < positions[lane]:
                there = [p for p in given_away if (p.origin.partition, p.origin.offset) == (lane, offset)]
                assert len(there) == count, "it would be lost"

    for lane, together, fate, passes in stories:
        offset = offsets[lane]
        for _ in range(together):
            held = Held(packet(offset, lane), [0] if fate == "passes" else [], int(fate == "waits"))
            if fate == "passes" or (fate == "waits" and passes):
                wanted[lane, offset] = wanted.get((lane, offset), 0) + 1
            if held.pending:
                undecided.append((held, passes))
            lanes.add(lane, offset, held)
        offsets[lane] += 1
        lanes.reach({lane: offsets[lane]})
        check()
    dice.shuffle(undecided)  # type: ignore[attr-defined]
    for held, passes in undecided:
        held.pending = 0
        held.passed += [0] if passes else []
        held.release()
        check()
    assert len(given_away) == sum(wanted.values())
    assert lanes.blocked_bytes == 0
    for lane in "ab":
        order = [p.origin.offset for p in given_away if p.origin.partition == lane]
        assert order == sorted(order), "the order of the lane is kept"


def alerts() -> list[list[Packet]]:
    return [[alert.packet for alert in visit] for visit in simulate("ztf", visits=3, alerts=12, seed=9)]


def test_of_files_the_best_are_found_whatever_the_order_of_the_visits(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(FILTERS)
    visits = alerts()
    mixed: list[Item] = [each for together in zip(*visits, strict=True) for each in together]
    refused: list[Refusal] = []
    keeper = Keeper(load_filters(tmp_path / "f.toml"), refused.append, is_live=False)
    keeper.add(mixed)
    keeper.take()
    keeper.finish()
    keeper.take()
    lens = compile_lens(visits[0][0].schema, ("candidate.fid",))
    red = sum(lens.read(each)[0] == 2 for each in mixed if isinstance(each, Packet))
    assert keeper.kept.by_filter == (6, red)
    assert keeper.kept.capped == (len(mixed) - 6, 0)
    assert keeper.kept.late == (0, 0)
    assert not refused


def test_a_topic_is_not_committed_beyond_what_is_held_back(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(FILTERS)
    now_s = 0.0
    keeper = Keeper(load_filters(tmp_path / "f.toml"), print, is_live=True, clock=lambda: now_s)
    first, second, _ = alerts()
    keeper.reading(("t/0",))

    def batch(packets: list[Packet], start: int) -> Batch:
        items = [
            Packet(p.data, p.start, p.stop, p.schema, Origin("t/0", start + n)) for n, p in enumerate(packets)
        ]
        return Batch(items, {"t/0": start + len(items)})

    keeper.add(batch(first, 0))
    given = len(keeper.take())
    assert keeper.positions["t/0"] < 12
    keeper.add(batch(second[:1], 12))
    given += len(keeper.take())
    assert keeper.kept.by_filter[0] == 2, "the first visit is over"
    assert keeper.positions == {"t/0": 12}
    now_s = 30.0
    keeper.add(Batch())
    given += len(keeper.take())
    assert keeper.kept.by_filter[0] == 3, "time has passed"
    assert keeper.positions == {"t/0": 13}
    assert given == keeper.kept.kept
    keeper.drop()
    assert keeper.positions == {}


def test_memory_is_bounded_by_closing_the_oldest_visit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "f.toml").write_text(FILTERS)
    monkeypatch.setattr(keep_module, "HELD_BYTES", 1)
    keeper = Keeper(load_filters(tmp_path / "f.toml"), print, is_live=False)
    for visit in alerts():
        keeper.add(list(visit))
        keeper.take()
    assert keeper.kept.by_filter[0] == 6


def test_filters_together_have_one_output_without_caps(tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text(FILTERS)
    filters = load_filters(tmp_path / "f.toml")
    packets = [alert.packet for visit in simulate("ztf", visits=2, alerts=20, seed=4) for alert in visit]
    expected = [p for p in packets if filters.compile(p.schema).read(p)]
    assert any(len(filters.compile(p.schema).read(p)) == 2 for p in packets), "some meet both"
    keeper = Keeper(Together(filters), lambda _: None, is_live=False)
    keeper.add(packets)
    # Without a cap nothing is held back, so all is there before the end.
    taken = keeper.take()
    assert [held.packet for held in taken] == expected
    assert all(list(held.passed) == [0] for held in taken)
    assert keeper.kept.by_filter == (len(expected),)
