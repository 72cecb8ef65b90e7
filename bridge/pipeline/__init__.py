"""From an item of a source to what becomes of it: kept or dropped, translated, or refused with a reason."""

from __future__ import annotations

from bridge.pipeline.deadletters import DeadLetters
from bridge.pipeline.pipeline import Outcome, Pipeline
from bridge.pipeline.plan import Plan

__all__ = ["DeadLetters", "Outcome", "Pipeline", "Plan"]
