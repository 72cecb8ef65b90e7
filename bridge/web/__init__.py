"""What a feed is doing, over HTTP: health, status as JSON, metrics for Prometheus; and the asking end.

The feed gives a `FeedStatus` when it is asked for one; nothing here knows how it comes about.
"""

from __future__ import annotations

from bridge.web.snapshot import FeedStatus, IntakeStatus, JournalStatus, SourceStatus

__all__ = ["FeedStatus", "IntakeStatus", "JournalStatus", "SourceStatus"]
