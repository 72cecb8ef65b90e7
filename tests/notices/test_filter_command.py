"""``filter`` on JSON: notices and VOEvents in JSON are kept byte for byte, like alerts and among them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Outcome, call, contents, make_tar, relayable

from bridge import VOEvent

Filter = Callable[..., Outcome]

RETRACTIONS = "alert_type = 'retraction'"


@pytest.fixture
def keep(capsysbinary: pytest.CaptureFixture[bytes]) -> Filter:
    return lambda *words: call(capsysbinary, "filter", *words)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Five notices of three missions, of which one takes back what was said."""
    folder = tmp_path / "in"
    folder.mkdir()
    missions = [("A", "initial"), ("A", "update"), ("B", "initial"), ("B", "retraction"), ("C", "test")]
    for number, (mission, kind) in enumerate(missions):
        notice = {"mission": mission, "alert_type": kind, "ra": 1.5}
        if mission != "B":
            notice["snr"] = 4.5 + number
        (folder / f"{number}.json").write_text(json.dumps(notice, indent=number))
    return folder


def test_notices_that_meet_a_condition_are_kept_byte_for_byte(
    keep: Filter, inbox: Path, tmp_path: Path
) -> None:
    given = contents(inbox)
    words = ("--from", inbox, "--to", tmp_path / "kept", "--json")
    outcome = keep(*words, "--where", f"snr > 5 OR {RETRACTIONS}")
    assert outcome.status == 0
    assert json.loads(outcome.out)["kept"] == 3
    assert contents(tmp_path / "kept") == {f"{n}-0.json": given[f"{n}.json"] for n in (1, 3, 4)}
    # What was kept is as good an input as the first.
    tar = make_tar(tmp_path / "all.tar", given)
    assert keep("--from", tar, "--to", tmp_path / "again.tar.gz", "--where", RETRACTIONS).status == 0
    assert keep("--from", tmp_path / "again.tar.gz", "--to", tmp_path / "last", "--where", "TRUE").status == 0
    assert contents(tmp_path / "last") == {"3.json": given["3.json"]}


def test_real_notices_of_many_missions(keep: Filter, shared_data: Path, tmp_path: Path) -> None:
    outcome = keep("--from", shared_data / "notices", "--to", tmp_path / "kept", "--where", RETRACTIONS)
    name = "maxi-gsc.known.retraction.json"
    assert [path.read_bytes() for path in (tmp_path / "kept").iterdir()] == [
        (shared_data / "notices" / name).read_bytes()
    ]
    assert outcome.status == 0
    # A filter that is for other things is no filter for them.
    outcome = keep(
        "--from", shared_data / "notices", "--to", tmp_path / "none", "--where", "candidate.rb > 0"
    )
    assert (outcome.status, outcome.err.count("no filter names a value that it has")) == (1, 8)


def test_each_filter_has_its_folder_and_alerts_do_not_mind(
    keep: Filter, inbox: Path, shared_data: Path, tmp_path: Path
) -> None:
    shutil.copy(shared_data / "alerts/ztf-ZTF19acihgng.avro", inbox / "z.avro")
    (tmp_path / "filters.toml").write_text(
        f'[[filter]]\nname = "gone"\nwhere = "{RETRACTIONS}"\n'
        '[[filter]]\nname = "bright"\nwhere = "candidate.magpsf < 30"\n'
    )
    outcome = keep(
        "--from", inbox, "--to", tmp_path / "kept", "--filters", tmp_path / "filters.toml", "--json"
    )
    assert (outcome.status, json.loads(outcome.out)["by_filter"]) == (0, {"gone": 1, "bright": 1})
    # Filters that have fitted notices are not called wrong by the first alert that comes.
    outcome = keep("--from", inbox, "--to", tmp_path / "one", "--where", RETRACTIONS)
    assert outcome.status == 1
    assert "z.avro#0: " in outcome.err
    assert list(contents(tmp_path / "one")) == ["3-0.json"]


def test_a_container_has_no_place_for_notices_and_a_cap_no_visit(
    keep: Filter, inbox: Path, tmp_path: Path
) -> None:
    outcome = keep("--from", inbox, "--to", tmp_path / "kept.avro", "--where", "ra > 1")
    assert (outcome.status, outcome.err.count("an Avro container has no place for it")) == (1, 5)
    assert not (tmp_path / "kept.avro").exists()
    (tmp_path / "filters.toml").write_text(f'[[filter]]\nname = "gone"\nwhere = "{RETRACTIONS}"\ncap = 2\n')
    outcome = keep("--from", inbox, "--to", tmp_path / "capped", "--filters", tmp_path / "filters.toml")
    assert outcome.status == 1
    assert (
        "3.json#0: it is a JSON document, which belongs to no visit, and filter 'gone' has a cap."
        in outcome.err
    )
    assert outcome.err.count("Refused") == 1


def test_a_voevent_in_json_is_filtered_as_a_voevent(keep: Filter, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2):
        event = VOEvent.parse(relayable(number, "some text"))
        (folder / f"{number}.json").write_bytes(event.to_json())
    words = ("--from", folder, "--where", "ivorn LIKE '%#2'")
    assert keep(*words, "--to", tmp_path / "kept").status == 0
    assert contents(tmp_path / "kept") == {"2-0.json": (folder / "2.json").read_bytes()}
    assert keep(*words, "--to", tmp_path / "kept.avro").status == 0
    assert VOEvent.from_avro((tmp_path / "kept.avro").read_bytes()).ivorn == "ivo://org.example/relay#2"
    wrong = (folder / "2.json").read_bytes().replace(b'"role":"test"', b'"role":"nonsense"')
    (folder / "2.json").write_bytes(wrong)
    outcome = keep(*words, "--to", tmp_path / "strict", "--strict")
    assert outcome.status == 1
    assert "2.json#0: it is not a valid VOEvent 2.0" in outcome.err
