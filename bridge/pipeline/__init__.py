"""From an item of a source to what becomes of it: kept or dropped, translated, or refused with a reason."""

from __future__ import annotations

from bridge.pipeline.deadletters import DeadLetters
from bridge.pipeline.pipeline import Outcome, Pipeline
from bridge.pipeline.plan import Plan
from bridge.pipeline.selection import Selection

__all__ = ["DeadLetters", "Outcome", "Pipeline", "Plan", "Selection"]
