"""All benchmarks on one page: whole without any other file, whatever benchmarks there are."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lxml.html
import pytest
from click.testing import CliRunner

from benchmarks import page
from benchmarks.markup import to_html
from benchmarks.page import make_page, ratios
from bridge.cli import bench
from bridge.errors import UsageError

MACHINE = {"processor": "Z80", "cores": 1, "system": "CP/M", "python": "3.11"}
LENS = {
    "benchmark": "lens",
    "machine": MACHINE,
    "versions": {"fastavro": "1"},
    "tasks": [{"task": "head <fields>", "ratio": 100.0}, {"task": "all", "ratio": 2.0}],
}


def test_page_holds_everything_itself(measured: dict[str, Any], drawn: dict[str, bytes], peers: None) -> None:
    from benchmarks.encodings import markdown

    files = {"encodings.md": markdown(measured).encode(), **{f"figures/{k}": v for k, v in drawn.items()}}
    made = make_page(
        {"encodings": measured, "lens": LENS},
        {"encodings": "", "lens": "1 < 2"},
        {"encodings": files},
        {"stream": "No Kafka broker can be started."},
    )
    root = lxml.html.document_fromstring(made.decode())
    sources = [image.get("src") for image in root.iter("img")]
    assert len(sources) == 5
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert not root.xpath("//link | //script | //iframe")
    assert {section.get("id") for section in root.iter("section")} == {"encodings", "lens", None}
    assert root.xpath("//section[@id='lens']/pre")[0].text == "1 < 2"
    text = root.text_content()
    assert "Avro is 6 times smaller than XML" in text
    assert "stream: No Kafka broker can be started." in text
    assert "Z80" not in text.partition("encodings")[0]
    assert len(root.xpath("//table")) > 10


def test_ratios_are_found_wherever_a_benchmark_keeps_them() -> None:
    result = {
        "ratio": 3,
        "loop": {"ratio": 2.0, "ratios_known": True},
        "surveys": [
            {"name": "ZTF", "ratio_plain": 4.0, "alerts": [{"ratio_plain": 5.0}, {"ratio_plain": 6.0}]}
        ],
    }
    assert list(ratios(result)) == [
        ("all", 3.0), ("loop", 2.0), ("ZTF, plain", 4.0), ("ZTF 1, plain", 5.0), ("ZTF 2, plain", 6.0),
    ]  # fmt: skip


def test_markdown_of_ours_becomes_html() -> None:
    table = "| a | b |\n| --- | --: |\n| 1 | 2 |"
    text = f"# A & B\n\n* one `x<y`\n* **two**\n\n{table}\n\ntext\nof two lines\n\n![f](f.svg)"
    made = to_html(text, {"f.svg": b"<svg/>"})
    assert "<h2>A &amp; B</h2>" in made
    assert "<li>one <code>x&lt;y</code></li><li><strong>two</strong></li>" in made
    assert '<td>1</td><td class="number">2</td>' in made
    assert "<p>text of two lines</p>" in made
    assert '<img alt="f" src="data:image/svg+xml;base64,PHN2Zy8+">' in made


def measure_lens(*, rounds: int = 5) -> dict[str, Any]:
    return {**LENS, "rounds": rounds}


def refuse(*, rounds: int = 5) -> dict[str, Any]:
    raise UsageError("No Kafka broker can be started.")


def load_one_that_cannot_run(name: str) -> Any:
    if name == "page":
        return page
    if name == "stream":
        return SimpleNamespace(measure=refuse)
    return SimpleNamespace(measure=measure_lens, report=lambda result: f"{result['rounds']} rounds")


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BENCHMARKS", {"lens": "", "stream": ""})
    monkeypatch.setattr(bench, "_load", load_one_that_cannot_run)


def test_all_writes_the_page_and_says_what_was_left_out(two: None, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "results"
    done = CliRunner().invoke(bench.command, ["all", "-o", str(folder), "--rounds", "3", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["lens"]["rounds"] == 3
    assert "Left out stream: No Kafka broker" in done.stderr
    assert {path.name for path in folder.iterdir()} == {"index.html", "lens.json", "lens.txt"}
    assert re.search(r"<pre>3 rounds</pre>", (folder / "index.html").read_text())


def test_all_fails_if_nothing_can_run(two: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BENCHMARKS", {"stream": ""})
    done = CliRunner().invoke(bench.command, ["all"])
    assert isinstance(done.exception, UsageError)


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_measured(
    two: None, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(bench.command, ["lens", "-o", str(tmp_path / "file" / "x")])
    assert "cannot be written (" in str(done.exception)
    assert "Measuring" not in done.stderr
