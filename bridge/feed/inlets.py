"""The ways in over VTP, as one thing for the feed: opened, watched and closed together.

Each offers what it gets to the arrivals; what authors send and what upstream brokers send is judged
differently, and that is decided here.
"""

from __future__ import annotations

import logging
from typing import Any, cast

from bridge.feed.arrivals import Arrivals, AuthorsJudge, RelayJudge
from bridge.feed.config import FeedConfig
from bridge.feed.door import open_door, renew_door
from bridge.feed.writer import Writer
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.vtp.access import Gate
from bridge.vtp.door import Door
from bridge.vtp.port import listen
from bridge.vtp.receiver import Receiver
from bridge.vtp.status import ReceiverStatus, UpstreamStatus
from bridge.vtp.twisted_types import Port
from bridge.vtp.upstream import Upstream

__all__ = ["Inlets"]

_log = logging.getLogger(__name__)


class Inlets:
    """What comes in over VTP. All methods but `finish` belong to the network's thread.

    Parameters
    ----------
    config
        What the feed is told.
    writer
        The journal's writer.
    reactor
        Twisted's reactor.
    """

    def __init__(self, config: FeedConfig, writer: Writer, reactor: Any) -> None:
        self.arrivals = Arrivals(writer, reactor.callFromThread)
        self._reactor = reactor
        self._receiver: Receiver | None = None
        self._gate: Gate | None = None
        self._door: Door | None = None
        self._port: Port | None = None
        if config.receive is not None:
            judge = AuthorsJudge(config.receive.versions)
            self._gate = Gate(config.receive.door.access, "authors", reactor.seconds)
            self._receiver = Receiver(
                config.receive.settings,
                lambda offer: self.arrivals.put(offer, judge),
                reactor,
                released=self._gate.release,
            )

        self._upstreams: list[Upstream] = []
        self._relay: RelayJudge | None = None
        if config.upstreams:
            relay = RelayJudge(Pipeline(config.plan), DeadLetters(config.dead_letters), self.arrivals.counts)
            self._relay = relay
            self._upstreams = [
                Upstream(settings, lambda offer: self.arrivals.put(offer, relay), reactor)
                for settings in config.upstreams
            ]

    def reconfigure(self, config: FeedConfig) -> None:
        """Let who may send, and how fast, be as configured now."""
        if self._door is not None and self._receiver is not None and config.receive is not None:
            renew_door(self._door, config.receive.door)
            self._receiver.settings = config.receive.settings

    def listen(self, config: FeedConfig) -> None:
        """Open the port for authors, where there is one; raises `SourceError` when that fails."""
        if self._receiver is None or self._gate is None or config.receive is None:
            return
        receive = config.receive
        self._door = open_door(self._receiver, self._gate, receive.door, self._reactor)
        self._port = listen(
            self._door,
            receive.port,
            receive.interface,
            self._reactor,
            whom="authors",
            flag="--receive",
        )
        number = cast("Any", self._port.getHost()).port
        _log.info(
            "receiving authors on port %d, VOEvent %s",
            number,
            " and ".join(receive.versions),
            extra={"port": number},
        )

    def renew(self, plan: Plan) -> None:
        """Have another plan for what upstream brokers send; may be called in another thread.

        Raises `UsageError` if the plan is wrong; then the old one goes on.
        """
        if self._relay is not None:
            pipeline = Pipeline(plan)
            pipeline.prove_documents()
            self._relay.renew(pipeline)

    def start(self) -> None:
        """Begin to take in; called when the reactor runs."""
        self.arrivals.start()
        for upstream in self._upstreams:
            upstream.start()

    def stop(self) -> None:
        """Take nothing more; who waits for an answer still gets it."""
        if self._port is not None:
            self._port.stopListening()
        if self._receiver is not None:
            self._receiver.close()
        for upstream in self._upstreams:
            upstream.stop()

    def finish(self) -> None:
        """Wait until all that was taken is committed; called in a thread that may wait."""
        self.arrivals.close()

    def receiver_status(self) -> ReceiverStatus | None:
        """What authors have sent; None where none are received."""
        return self._receiver.status() if self._receiver is not None else None

    def upstream_statuses(self) -> tuple[UpstreamStatus, ...]:
        """The subscriptions to upstream brokers."""
        return tuple(upstream.status() for upstream in self._upstreams)
