"""Refused messages are kept so that each can be found again, and none takes another's place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.alerts.packet import Origin, Refusal
from bridge.errors import SourceError
from bridge.pipeline import DeadLetters
from bridge.pipeline.deadletters import readable


def test_a_message_is_kept_with_reason_and_position(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead" / "letters")
    path = letters.keep(Refusal(Origin("/night/a.tar", 7, "x/y.avro"), "it is broken", b"\0abc"))
    assert path.read_bytes() == b"\0abc"
    assert json.loads(path.with_suffix(".json").read_bytes()) == {
        "reason": "it is broken",
        "partition": "/night/a.tar",
        "offset": 7,
        "member": "x/y.avro",
        "bytes": 4,
    }


def test_files_of_one_name_in_two_folders_are_kept_apart(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    paths = {letters.keep(Refusal(Origin(f"/{day}/a.avro", 0), "bad", b"x")) for day in "12"}
    assert len(paths) == 2


def test_two_messages_from_standard_input_are_kept_apart_run_after_run(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    assert letters.keep(Refusal(Origin("-", 0), "bad", b"1")) != letters.keep(
        Refusal(Origin("-", 0), "bad", b"2")
    )


def test_refused_again_a_message_replaces_itself(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path)
    refusal = Refusal(Origin("/a.avro", 3), "bad", b"x")
    assert letters.keep(refusal) == letters.keep(refusal)
    assert len(list(tmp_path.iterdir())) == 2


@given(name=st.binary(min_size=1, max_size=300).map(lambda raw: os.fsdecode(raw.replace(b"\0", b"_"))))
def test_any_name_that_a_file_can_have_makes_a_letter(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("letters")
    path = DeadLetters(folder).keep(Refusal(Origin(f"/{name}", 0, name), f"{name} is bad", b"x"))
    assert path.parent == folder
    assert not path.name.startswith(".")
    assert json.loads(path.with_suffix(".json").read_bytes())["member"] == readable(name)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="dead-letter folder"):
        DeadLetters(tmp_path / "file").keep(Refusal(Origin("/a", 0), "bad"))
