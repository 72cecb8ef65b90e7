"""A wrong filter loses no alert, however often the feed is started; a right one survives an odd alert."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from processes import bridge_command
from real_alerts import file_packets

from bridge.feed.proof import Proof, mark_of
from bridge.journal import Journal
from bridge.pipeline import Pipeline, Plan

ZTF = "candidate.magpsf > 0"


@pytest.mark.no_cover
def test_a_wrong_filter_takes_nothing_in_though_the_feed_has_worked_before(
    shared_data: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    alerts = shared_data / "alerts"

    def run(where: str) -> tuple[int, str]:
        words = ("serve", "--from", inbox, "--where", where, "--journal", tmp_path / "j", "--broadcast", 0)
        command = bridge_command(*words, "--interface", "127.0.0.1", "--once")
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stderr

    shutil.copy(alerts / "ztf-ZTF19acihgng.avro", inbox / "1.avro")
    assert run(ZTF)[0] == 0
    shutil.copy(alerts / "ztf-739260766315010006.avro", inbox / "3.avro")
    status, said = run("candidate.magps > 0")
    assert (status, "Field 'candidate.magps' is unknown" in said) == (2, True), said
    assert not (tmp_path / "j.dead-letters").exists()
    # An alert of another survey comes first; what is known to be right is not ended by it.
    shutil.copy(alerts / "fink-lsst-2026-03.avro", inbox / "2.avro")
    status, said = run(ZTF)
    assert status == 1, said
    assert "8 read, 1 published, 7 refused" in said


def test_a_plan_is_known_by_what_its_files_hold(tmp_path: Path) -> None:
    file = tmp_path / "filters.toml"
    marks = []
    for limit in (18, 19):
        file.write_text(f'[[filter]]\nname = "a"\nwhere = "candidate.magpsf < {limit}"\n')
        marks.append(mark_of(Plan(filters_file=file)))
    marks += [mark_of(plan) for plan in (Plan(), Plan(where=(ZTF,)), Plan(mapping="ztf"))]
    assert len(set(marks)) == len(marks)
    assert mark_of(Plan(where=(ZTF,))) == mark_of(Plan(where=(ZTF,), strict=True)), "it fits all the same"


def test_what_has_fitted_is_kept_and_what_was_not_tried_is_not(shared_data: Path, tmp_path: Path) -> None:
    (packet,) = file_packets(shared_data / "alerts" / "ztf-ZTF19acihgng.avro")
    plan, other = Plan(where=(ZTF,)), Plan(where=("candidate.rb > 0",))
    with Journal.open(tmp_path / "j", durability="normal") as journal:
        proof = Proof(journal, plan)
        pipeline = proof.watch(Pipeline(plan))
        proof.look()
        assert not Proof(journal, plan).known, "nothing has come yet"
        pipeline(packet)
        proof.look()
        assert Proof(journal, plan).known
        assert not Proof(journal, other).known
        proof.renew(other, fits=False)
        proof.look()
        assert not Proof(journal, other).known
        proof.renew(plan, fits=True)
        proof.renew(other, fits=True)
        assert Proof(journal, other).known
        assert journal.statistics().duplicates == 0, "counts are not disturbed"
