"""The feed: a source, filters, translators, the journal and VTP, wired together from one configuration."""

from __future__ import annotations

from bridge.feed.config import FeedConfig, load_config
from bridge.feed.serve import serve

__all__ = ["FeedConfig", "load_config", "serve"]
