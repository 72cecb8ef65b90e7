"""The feed: a source, filters, translators, the journal and VTP, wired together from one configuration."""

from __future__ import annotations

from bridge.feed.config import FeedConfig, load_config
from bridge.feed.reload import Reloader
from bridge.feed.serve import serve

__all__ = ["FeedConfig", "Reloader", "load_config", "serve"]
