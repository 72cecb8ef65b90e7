"""Figures: that they are drawn, hold what they should, and fail in words."""

from __future__ import annotations

import builtins
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import SourceError, UsageError
from bridge.inspect.figure import draw_cutouts, draw_report
from bridge.inspect.report import Report

needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed"
)
NOTHING = Report(kind="voevent", survey="x", title="VOEvent ivo://x/y#1", sections=())


def size_of(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    assert data.startswith(b"\x89PNG\r\n")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@needs_matplotlib
def test_ztf_and_lsst_alerts_are_drawn(
    supernova: Report, fading_star: Report, fink_lsst: list[Report], tmp_path: Path
) -> None:
    heights = []
    for number, report in enumerate((supernova, fading_star, fink_lsst[0], fink_lsst[4])):
        path = tmp_path / f"{number}.png"
        draw_report(report, path)
        width, height = size_of(path)
        assert width == 1235
        heights.append(height)
    # The asteroid was seen once: no curve, only its cutouts.
    assert heights[3] < heights[0] / 2


@needs_matplotlib
def test_each_cutout_is_written_under_the_name_of_the_alert(fink_lsst: list[Report], tmp_path: Path) -> None:
    paths = draw_cutouts(fink_lsst[0], tmp_path / "new" / "folder")
    assert [path.name for path in paths] == [
        f"170094456272322680-{name}.png" for name in ("science", "template", "difference")
    ]
    assert all(size_of(path)[0] > 300 for path in paths)


@needs_matplotlib
def test_nothing_to_draw_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="neither a light curve nor cutouts"):
        draw_report(NOTHING, tmp_path / "x.png")
    with pytest.raises(SourceError, match="no cutouts"):
        draw_cutouts(NOTHING, tmp_path)


@needs_matplotlib
def test_figure_that_cannot_be_written_is_said(supernova: Report, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot be written \(No such file or directory\)"):
        draw_report(supernova, tmp_path / "missing" / "x.png")
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="cannot be made"):
        draw_cutouts(supernova, tmp_path / "file" / "under")


def test_missing_matplotlib_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_matplotlib(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(UsageError, match=r"pip install 'voevent-bridge\[plot\]'"):
        draw_report(NOTHING, tmp_path / "x.png")


@needs_matplotlib
def test_names_full_of_dollars_are_drawn_as_they_stand(supernova: Report, tmp_path: Path) -> None:
    from dataclasses import replace

    curve = supernova.light_curve
    assert curve is not None
    strange = replace(curve, band=tuple("$\\frac{" for _ in curve.band), quantity="$x", unit="\x1b$")
    draw_report(replace(supernova, title="$\\bad{$", light_curve=strange), tmp_path / "x.png")
    assert size_of(tmp_path / "x.png")[0] == 1235
