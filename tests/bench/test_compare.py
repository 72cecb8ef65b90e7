"""Two results side by side: real changes are told, noise is not, and wrong files are refused in words."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.compare import compare, load, report
from bridge.cli.bench import command
from bridge.errors import SourceError, UsageError


def timing(median: float, spread: float, rounds: int = 9) -> dict[str, Any]:
    return {
        "rounds": rounds,
        "repeats": 1,
        "cpu": {"median_us": median, "q1_us": median - spread / 2, "q3_us": median + spread / 2},
        "wall": {"median_us": 1.0, "q1_us": 1.0, "q3_us": 1.0},
    }


def result(encode: dict[str, Any], size: float = 100.0, **others: Any) -> dict[str, dict[str, Any]]:
    row = {"name": "XML", "library": "lxml", "bytes": size, "encode": encode, "decode": None}
    content = {"name": "ZTF", "part": "whole", "encodings": [row]}
    return {"encodings": {"benchmark": "encodings", "machine": {"cores": 2}, "contents": [content], **others}}


def verdicts(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    return {change["what"]: change["verdict"] for change in compare(before, after)["changes"]}


TIME = "encodings: ZTF whole, XML lxml, encode"


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (timing(100, 10), timing(130, 10), "slower"),
        (timing(130, 10), timing(100, 10), "faster"),
        # Quartiles 60 apart leave a notch of 31 on either side.
        (timing(100, 60), timing(130, 60), "same"),
        # Sure, and not worth a word.
        (timing(100, 0.1), timing(103, 0.1), "same"),
        # One round has no spread: only a large change counts.
        (timing(100, 0, rounds=1), timing(120, 0, rounds=1), "same"),
        (timing(100, 0, rounds=1), timing(140, 0, rounds=1), "slower"),
    ],
)
def test_only_what_is_beyond_the_noise_is_told(before: Any, after: Any, verdict: str) -> None:
    assert verdicts(result(before), result(after))[TIME] == verdict


def test_sizes_have_no_noise() -> None:
    found = verdicts(result(timing(1, 1)), result(timing(1, 1), size=99.0))
    assert found["encodings: ZTF whole, XML lxml, bytes"] == "smaller"


def test_a_machine_that_is_slower_throughout_shows_as_a_shift() -> None:
    before = result(timing(100, 1), transport={"seconds": {"whole": {"median": 1.0, "q1": 0.99, "q3": 1.01}}})
    after = result(timing(150, 1), transport={"seconds": {"whole": {"median": 1.5, "q1": 1.49, "q3": 1.51}}})
    found = compare(before, after)
    assert found["shift"] == 1.5
    assert "All times together: 1.50x" in report(found)


def many(ratios: list[float]) -> tuple[dict[str, Any], dict[str, Any]]:
    def result_of(factors: list[float]) -> dict[str, Any]:
        rows = [
            {"name": f"codec {n}", "library": "x", "encode": timing(100 * f, 1)}
            for n, f in enumerate(factors)
        ]
        contents = [{"name": "ZTF", "part": "whole", "encodings": rows}]
        return {"encodings": {"benchmark": "encodings", "contents": contents}}

    return result_of([1.0] * len(ratios)), result_of(ratios)


def test_what_moves_no_more_than_everything_does_is_noise_from_run_to_run() -> None:
    noise = [0.9, 1.1, 0.95, 1.05, 1.0, 0.93, 1.08, 1.02, 0.97, 1.12, 0.91]
    found = verdicts(*many([*noise, 2.0]))
    told = {what: verdict for what, verdict in found.items() if verdict != "same"}
    assert told == {"encodings: ZTF whole, codec 11 x, encode": "slower"}


def test_a_machine_that_is_slower_in_all_makes_no_change_of_its_own() -> None:
    found = compare(*many([1.5] * 12))
    assert found["shift"] == 1.5
    assert {change["verdict"] for change in found["changes"]} == {"same"}
    assert verdicts(*many([1.5] * 11 + [3.0]))["encodings: ZTF whole, codec 11 x, encode"] == "slower"


def test_results_without_spread_are_compared_by_large_changes() -> None:
    before = {"lens": {"benchmark": "lens", "tasks": [{"task": "head", "lens_us": 2.0, "peer_us": 100.0}]}}
    after = copy.deepcopy(before)
    after["lens"]["tasks"][0] |= {"lens_us": 4.0, "peer_us": 110.0}
    found = compare(before, after)
    assert [change["verdict"] for change in found["changes"]] == ["slower", "same"]
    assert "(no spread recorded)" in report(found)
    assert found["shift"] is None


def test_times_and_sizes_are_known_by_their_names_alone() -> None:
    before = {"voevent": {"benchmark": "voevent", "tasks": [{"task": "read", "us": 100.0, "avro_bytes": 10}]}}
    after = {"voevent": {"benchmark": "voevent", "tasks": [{"task": "read", "us": 50.0, "avro_bytes": 9}]}}
    assert verdicts(before, after) == {
        "voevent: tasks, read, us": "faster",
        "voevent: tasks, read, avro_bytes": "smaller",
    }


def test_of_a_rate_more_is_faster() -> None:
    before = {"feed": {"benchmark": "feed", "rows": [{"name": "to 1", "ours": {"events_hz": 10_000.0}}]}}
    after = {"feed": {"benchmark": "feed", "rows": [{"name": "to 1", "ours": {"events_hz": 20_000.0}}]}}
    assert verdicts(before, after) == {"feed: rows, to 1, ours, events_hz": "faster"}


def test_what_one_side_lacks_and_other_machines_are_told() -> None:
    after = result(timing(1, 1))
    after["encodings"]["contents"][0]["encodings"][0]["name"] = "JSON"
    after["encodings"]["machine"] = {"cores": 64}
    text = report(compare(result(timing(1, 1)), after))
    assert "4 are in one file only" in text
    assert "machines or their Pythons differ" in text


def test_results_of_other_alerts_are_not_taken_for_a_change_of_the_code() -> None:
    before, after = result(timing(1, 1)), result(timing(1, 1))
    before["encodings"]["contents"][0]["origin"] = "3 SIMULATED alerts"
    assert compare(before, after)["other_inputs"] == []
    after["encodings"]["contents"][0]["origin"] = "3 real alerts"
    told = "encodings: ZTF whole: 3 SIMULATED alerts before, 3 real alerts after"
    assert compare(before, after)["other_inputs"] == [told]
    assert f"The inputs differ, so sizes and times tell of them, not of the code: {told}." in report(
        compare(before, after)
    )


def test_a_real_result_compared_with_itself_is_the_same_throughout(measured: dict[str, Any]) -> None:
    found = compare({"encodings": measured}, {"encodings": measured})
    assert len(found["changes"]) > 200
    assert {change["verdict"] for change in found["changes"]} == {"same"}
    assert len({change["what"] for change in found["changes"]}) == len(found["changes"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "holds no results"),
        (b"{}", "holds no results"),
        (b'{"a": {}}', "holds no"),
    ],
)
def test_files_that_are_no_results_are_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=said):
        load(path)


def test_a_missing_file_and_other_benchmarks_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load(tmp_path / "none.json")
    with pytest.raises(UsageError, match="no benchmark in common: lens in one, feed in the other"):
        compare({"lens": {"benchmark": "lens"}}, {"feed": {"benchmark": "feed"}})


def test_command_compares_one_result_and_results_of_all(tmp_path: Path) -> None:
    one, both = tmp_path / "encodings.json", tmp_path / "all.json"
    old, new = result(timing(100, 1)), result(timing(200, 1))
    one.write_text(json.dumps(old["encodings"]))
    both.write_text(json.dumps({**new, "lens": {"benchmark": "lens"}}))
    done = CliRunner().invoke(command, ["compare", str(one), str(both)])
    assert done.exit_code == 0, done.output
    assert "2.00x us slower" in done.stdout
    document = json.loads(CliRunner().invoke(command, ["compare", "--json", str(one), str(both)]).stdout)
    assert document["benchmarks"] == ["encodings"]
