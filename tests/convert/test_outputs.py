"""Runs over batches without a command line: order, counts, and processes that die."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from calling import contents, relayable

from bridge.alerts.packet import Document, Item, Origin, Packet, Refusal
from bridge.alerts.store import SchemaStore
from bridge.convert import convert, open_event_sink, workers
from bridge.convert.keep import keep_packets, open_outputs
from bridge.errors import ExpressionError, SourceError, UsageError
from bridge.filters import FilterSet, parse_filter
from bridge.pipeline import Pipeline, Plan
from bridge.simulate import simulate
from bridge.streams import open_source
from bridge.voevent.event import Event


def documents(count: int, size: int = 4) -> list[list[Item]]:
    items: list[Item] = [Document(relayable(n), "voevent", Origin("/a.tar", n)) for n in range(count)]
    return [items[start : start + size] for start in range(0, count, size)]


def packets(survey: str, count: int = 4) -> list[Item]:
    (visit,) = simulate(survey, visits=1, alerts=count, seed=2, backlog=3)  # type: ignore[arg-type]
    return [alert.packet for alert in visit]


def test_events_come_in_the_order_of_the_input_from_two_processes() -> None:
    written: list[Event] = []
    tally = convert(documents(50), Plan(), write=written.append, refuse=print, jobs=2, alone_s=0.0)
    assert tally.read == tally.written == 50
    assert [event.ivorn.rpartition("#")[2] for event in written] == [str(n) for n in range(50)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_later_survey_that_the_filter_does_not_fit_is_refused_on_any_number_of_processes(jobs: int) -> None:
    refused: list[Refusal] = []
    written: list[Event] = []
    batches = [*documents(4), packets("ztf"), packets("lsst"), packets("ztf")]
    plan = Plan(where=("candidate.magpsf > 0",), mapping="ztf")
    tally = convert(batches, plan, write=written.append, refuse=refused.append, jobs=jobs, alone_s=0.0)
    assert (tally.written, tally.duplicates, tally.refused) == (8, 4, 4)
    assert all("candidate" in refusal.reason for refusal in refused)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_filter_that_does_not_fit_the_first_alert_is_told_on_any_number_of_processes(jobs: int) -> None:
    batches = [*documents(8), packets("lsst"), packets("ztf")]
    with pytest.raises(ExpressionError):
        convert(
            batches, Plan(where=("candidate.magpsf > 0",)), write=print, refuse=print, jobs=jobs, alone_s=0
        )


class Deadly:
    """An item that ends the process that receives it, as the kernel does when memory runs out."""

    def __reduce__(self) -> object:
        return os._exit, (9,)


def test_a_process_that_dies_is_said_in_a_sentence() -> None:
    with pytest.raises(SourceError, match="fewer --jobs"):
        list(workers.translate_in_processes([[Deadly()]], Plan(), 1, Pipeline(Plan())))  # type: ignore[list-item]


def test_after_an_error_a_folder_keeps_whole_events_and_a_tar_nothing(tmp_path: Path) -> None:
    def broken() -> object:
        yield documents(3)[0]
        raise SourceError("The source is gone.")

    for name in ("folder", "events.tar"):
        with pytest.raises(SourceError, match="gone"), open_event_sink(str(tmp_path / name)) as sink:
            convert(broken(), Plan(), write=sink.write, refuse=print)  # type: ignore[arg-type]
    assert len(contents(tmp_path / "folder")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_each_filter_has_its_folder_and_packets_stay_byte_for_byte(shared_data: Path, tmp_path: Path) -> None:
    bright = parse_filter("candidate.magpsf < 18.5", "bright")
    all_of_them = parse_filter("candidate.magpsf > 0", "all")
    filters = FilterSet([bright, all_of_them])
    refused: list[Refusal] = []
    source = open_source(shared_data / "alerts", store=SchemaStore())
    files = sorted((shared_data / "alerts").glob("ztf-*.avro"))
    batches: list[list[Item]] = [
        [item for item in batch if "/ztf-" in item.origin.partition] for batch in source
    ]
    batches.append(
        [Refusal(Origin("/x", 0), "bad"), *documents(1)[0], Document(b"{}", "json", Origin("/j", 0))]
    )
    with open_outputs(str(tmp_path / "kept"), filters) as outputs:
        kept = keep_packets(batches, filters, outputs, refuse=refused.append)
    assert (kept.read, kept.kept, len(refused)) == (6, 3, 2)
    assert kept.by_filter[1] == 3 > kept.by_filter[0] > 0
    assert set(contents(tmp_path / "kept" / "all").values()) == {file.read_bytes() for file in files}
    assert all(isinstance(item, Packet) for batch in batches[:-1] for item in batch)


@pytest.mark.parametrize("target", ["-", "x.tar", "x.avro"])
def test_filters_with_names_need_folders(target: str) -> None:
    with (
        pytest.raises(UsageError, match="need a folder"),
        open_outputs(target, FilterSet([parse_filter("1 = 1", "a")])),
    ):
        pass
