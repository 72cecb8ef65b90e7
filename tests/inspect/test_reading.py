"""Taking one alert out of files, folders and archives, on a screen, in a pipe and as JSON."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import orjson
import pytest

from bridge.alerts.packet import Document, Origin
from bridge.alerts.store import SchemaStore
from bridge.errors import PacketError, SourceError, UsageError
from bridge.inspect.document import report_json
from bridge.inspect.reading import MOST_COUNTED, inspect_path, pick_item
from bridge.inspect.report import Report
from bridge.inspect.terminal import print_report, render_report


def test_member_of_a_tar_is_found_by_its_number(
    shared_data: Path, store: SchemaStore, tmp_path: Path
) -> None:
    names = sorted(path.name for path in (shared_data / "alerts").glob("ztf-*.avro"))
    with tarfile.open(tmp_path / "night.tar.gz", "w:gz") as archive:
        for name in names:
            archive.add(shared_data / "alerts" / name, name)
    report = inspect_path(str(tmp_path / "night.tar.gz"), index=2, store=store)
    assert f"night.tar.gz, member {names[2]}, number 2 of 3 (counted from 0)" in render_report(report, 140)
    with pytest.raises(UsageError, match=r"holds 3 alerts, counted from 0: --index 3 is not there\."):
        inspect_path(str(tmp_path / "night.tar.gz"), index=3, store=store)


def test_record_of_a_multi_record_file_is_found_by_its_number(shared_data: Path, store: SchemaStore) -> None:
    path = str(shared_data / "alerts" / "fink-ztf-2019-11.avro")
    titles = {inspect_path(path, index=index, store=store).title for index in (0, 5, 10)}
    assert len(titles) == 3


def test_counting_stops_in_a_huge_archive() -> None:
    def endless() -> object:
        number = 0
        while True:
            yield Document(b"<a/>", "voevent", Origin("x", number))
            number += 1

    item, count = pick_item(endless(), 5, "x")  # type: ignore[arg-type]
    assert item.origin.offset == 5
    assert count is None
    assert MOST_COUNTED == 1000


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"", SourceError, "empty"),
        (b"{}", PacketError, "no position by any name"),
        (b"<a/>", PacketError, "not a VOEvent: its root element is 'a'"),
        (b"garbage", SourceError, "no Avro container"),
        (b"\0\0\0\x27\x0fabc", SourceError, "Schema id 9999"),
    ],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(
    content: bytes, error: type[Exception], words: str, store: SchemaStore, tmp_path: Path
) -> None:
    path = tmp_path / "input"
    path.write_bytes(content)
    with pytest.raises(error, match=words) as caught:
        inspect_path(str(path), store=store)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith(".")


def test_truncated_alerts_are_refused_wherever_they_end(
    shared_data: Path, store: SchemaStore, tmp_path: Path
) -> None:
    for source in ("ztf-ZTF19acihgng.avro", "lsst-v10.0-framed/170094456272322680.bin"):
        whole = (shared_data / "alerts" / source).read_bytes()
        for length in (6, 1000, len(whole) // 2, len(whole) - 1):
            path = tmp_path / "short"
            path.write_bytes(whole[:length])
            with pytest.raises((SourceError, PacketError), match="cannot be shown"):
                inspect_path(str(path), store=store)


def test_empty_folder_and_missing_file_are_said(store: SchemaStore, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="neither an alert nor a VOEvent"):
        inspect_path(str(tmp_path), store=store)
    with pytest.raises(SourceError, match="No such file"):
        inspect_path(str(tmp_path / "missing"), store=store)


def test_json_holds_every_point_and_only_numbers_that_json_knows(fink_lsst: list[Report]) -> None:
    for report in fink_lsst:
        text = report_json(report)
        document = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
        assert report.light_curve is not None
        assert document["light_curve"]["value"] == report.light_curve.value.tolist()
        assert document["identity"]["count"] == 7
        assert [cutout["name"] for cutout in document["cutouts"]] == ["science", "template", "difference"]
        assert document["where"]["ra_deg"] == report.position.ra_deg  # type: ignore[union-attr]


def test_params_of_one_name_become_a_list_in_json(shared_data: Path, store: SchemaStore) -> None:
    report = inspect_path(str(shared_data / "voevents" / "voevent-2.1-example-2.xml"), store=store)
    document = orjson.loads(report_json(report))
    assert [inference["probability"] for inference in document["why"]["inferences"]] == [1.0, None]
    assert document["tables"][0]["rows"][0] == ["2018-10-03T10:00:00.000", "2018-10-04T01:00:00.000"]


def test_pipe_gets_no_colours_and_no_trailing_blanks(supernova: Report) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    print_report(supernova, stream)
    stream.seek(0)
    text = stream.read()
    assert "\x1b" not in text
    assert "◄ now" in text
    assert not [line for line in text.split("\n") if line != line.rstrip()]


def test_output_that_is_not_unicode_gets_plain_ascii(supernova: Report) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    print_report(supernova, stream, width=72)
    stream.seek(0)
    text = stream.read()
    assert text.isascii()
    assert "18.63 +- 0.13 mag" in text
    assert "?" not in text
    assert max(map(len, text.split("\n"))) <= 72


def test_terminal_gets_colours(supernova: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    stream = Terminal(io.BytesIO(), encoding="utf-8")
    print_report(supernova, stream, width=100)
    stream.seek(0)
    assert "\x1b[" in stream.read()


def test_long_tables_are_cut_with_a_word_about_it(supernova: Report) -> None:
    from dataclasses import replace

    from bridge.inspect.report import Table

    table = Table("t", "", ("a [d]", "b"), tuple((str(i), "x") for i in range(20)))
    text = render_report(replace(supernova, tables=(table,)))
    assert "… and 8 more rows" in text


def test_alert_cannot_steer_the_terminal(supernova: Report) -> None:
    from dataclasses import replace

    curve = supernova.light_curve
    assert curve is not None
    evil = replace(curve, band=tuple("\x1b[2J" for _ in curve.band), quantity="\x07")
    text = render_report(replace(supernova, title="\x1b]0;mine\x07 name", light_curve=evil))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "]0;mine" in text
