"""Realistic ZTF- and LSST-shaped alerts from a seed, as fast as a stream needs them."""

from __future__ import annotations

from bridge.simulate.model import SimulatedAlert, Survey, Visit
from bridge.simulate.population import KINDS
from bridge.simulate.run import DEFAULT_VERSIONS, VERSIONS, simulate, writer_schema

__all__ = [
    "DEFAULT_VERSIONS",
    "KINDS",
    "VERSIONS",
    "SimulatedAlert",
    "Survey",
    "Visit",
    "simulate",
    "writer_schema",
]
