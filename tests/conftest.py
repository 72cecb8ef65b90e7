"""Fixtures that every room's tests share: where the real data lies, and what is skipped without it."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

PROJECT = Path(__file__).resolve().parent.parent

# An example may take its time: a first import of astropy beside other work is no fault of the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


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
