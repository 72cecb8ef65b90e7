"""Fixtures that every room's tests share: where the real data lies, and what is skipped without it."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test, settings

PROJECT = Path(__file__).resolve().parent.parent

# An example may take its time: a first import of astropy beside other work is no fault of the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


# What tells processes that a test starts to take note of the lines that they run.
TRACING = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")


def pytest_configure(config: pytest.Config) -> None:
    """In a process of pytest-xdist end the tracers that it begins with: pytest-cov starts one for the tests.

    Where that one is paused, those would go on.
    """
    coverage = sys.modules.get("coverage")
    if coverage is not None and hasattr(config, "workerinput"):
        while (begun_with := coverage.Coverage.current()) is not None:
            begun_with.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run random examples without the tracer: it makes them slow, and others reach the same code."""
    for item in items:
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Where `no_cover` of pytest-cov pauses the tracer, keep it out of the test's processes, too."""
    if item.get_closest_marker("no_cover") is None:
        return (yield)
    taken = {name: os.environ.pop(name) for name in TRACING if name in os.environ}
    try:
        return (yield)
    finally:
        os.environ.update(taken)


def find_shared_data() -> Path | None:
    """Folder of real alerts, VOEvents and notices: $SHARED_DATA, or ../shared/data beside the checkout."""
    given = os.environ.get("SHARED_DATA")
    folder = Path(given) if given else PROJECT.parent / "shared" / "data"
    return folder if folder.is_dir() else None


def find_lsst_distribution() -> Path | None:
    """Schema folder of the lsst-alert-packet distribution, found without importing it."""
    spec = importlib.util.find_spec("lsst")
    for root in spec.submodule_search_locations or () if spec else ():
        folder = Path(root) / "alert" / "packet" / "schema"
        if folder.is_dir():
            return folder
    return None


@pytest.fixture(scope="session")
def shared_data() -> Path:
    folder = find_shared_data()
    if folder is None:
        if os.environ.get("REQUIRE_SHARED_DATA"):
            pytest.fail(
                "REQUIRE_SHARED_DATA is set, and the real alerts are not here (SHARED_DATA, ../shared/data)"
            )
        pytest.skip("real alerts are not here: set SHARED_DATA, or put them in ../shared/data")
    return folder


@pytest.fixture(scope="session")
def lsst_distribution() -> Path:
    folder = find_lsst_distribution()
    if folder is None:
        if os.environ.get("REQUIRE_SHARED_DATA"):
            pytest.fail("REQUIRE_SHARED_DATA is set, and the lsst-alert-packet distribution is not installed")
        pytest.skip("LSST's schemas are not here: pip install --no-deps lsst-alert-packet")
    return folder


@pytest.fixture(autouse=True)
def logging_is_left_as_it_was() -> Iterator[None]:
    """A command that sets up logging in this process writes to a stream that is gone after its test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
