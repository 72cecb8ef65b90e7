"""Opens the source of a feed as its configuration wants it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from bridge.alerts.patience import Patience
from bridge.alerts.store import open_store
from bridge.errors import UsageError
from bridge.feed.config import FeedConfig
from bridge.streams import Source, open_source
from bridge.streams.kafka.instance import member_of

__all__ = ["open_feed_source"]

# Between two looks at a followed folder, where looking is quick.
LOOK_INTERVAL_S = 0.1


def open_feed_source(
    config: FeedConfig,
    resume: Mapping[str, int],
    stop: Callable[[], bool],
    sleep: Callable[[float], None],
    patience: Patience,
) -> Source:
    """The source of a feed that has one.

    Parameters
    ----------
    config
        Says which.
    resume
        Positions of the journal, from where it goes on.
    stop
        Asked after every wait.
    sleep
        Waits for seconds.
    patience
        With what cannot be had at the moment, in a feed that goes on for ever.

    Raises
    ------
    BridgeError
        If it cannot be opened.
    """
    assert config.source is not None
    if config.source == "-" and sys.stdin is None:
        raise UsageError("There is no standard input to read (--from -): it is closed.")
    return open_source(
        config.source,
        store=open_store(config.schemas, patience=None if config.once else patience),
        resume=resume,
        follow=config.follow and not config.once,
        stop=stop,
        sleep=sleep,
        kafka_config=config.kafka_config,
        start=config.start,
        member=member_of(config.journal),
        interval_s=LOOK_INTERVAL_S,
    )
