"""Sources and sinks behind one kind of URL: a path, or the topics of a Kafka broker."""

from __future__ import annotations

from bridge.streams.batch import Batch, Source, finished_mark, is_finished
from bridge.streams.sink import Sink, open_sink
from bridge.streams.source import open_source

__all__ = ["Batch", "Sink", "Source", "finished_mark", "is_finished", "open_sink", "open_source"]
