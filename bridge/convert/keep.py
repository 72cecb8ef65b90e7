"""Keeps the packets that meet filters, byte for byte, in one output per filter.

`Keeper` decides, whatever the source and the outputs are; `keep_packets` is the way from a source to sinks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.alerts.packet import Item, Packet, Refusal
from bridge.convert.lanes import Lanes
from bridge.errors import PacketError, UsageError
from bridge.filters import Capper, FilterSet, Held
from bridge.pipeline.judge import Judge, is_notice
from bridge.pipeline.pipeline import refused
from bridge.streams import Batch, Sink, open_sink
from bridge.streams.kafka.url import is_kafka_url, parse_url

__all__ = ["Keeper", "Kept", "keep_packets", "open_outputs"]

HELD_BYTES = 256 << 20
"""How much may be held back for caps; beyond it the visit that has waited longest is closed."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many packets were read, how many went on for any filter, and how many for each of them.

    ``capped`` are those that met a filter and were too many of their visit, ``late`` those that came when
    their visit was over.
    """

    read: int
    kept: int
    by_filter: tuple[int, ...]
    capped: tuple[int, ...] = ()
    late: tuple[int, ...] = ()


class Keeper:
    """Filters a stream: takes batches, gives away what has been decided.

    Parameters
    ----------
    filters
        What to keep.
    refuse
        Called with each item that is no alert, or cannot be read.
    is_live
        Whether the stream goes on for ever: then visits are closed as they end, and each partition is a lane.
        Otherwise all visits stay open to the end of the input, as far as memory allows, and the order is
        that of the input.
    strict
        Refuse VOEvents that meet a filter and are not valid.
    takes_notices
        Whether JSON notices can be kept where packets go.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        filters: FilterSet,
        refuse: Callable[[Refusal], None],
        *,
        is_live: bool,
        strict: bool = False,
        takes_notices: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refuse = refuse
        self._is_live = is_live
        self._clock = clock
        self._judge = Judge(filters, strict=strict, takes_notices=takes_notices)
        self._capper = Capper(filters) if any(filters.caps) else None
        self._lanes = Lanes()
        self._reading: tuple[str, ...] | None = None
        self._read = 0
        self._kept = 0
        self._by_filter = [0] * len(filters)

    @property
    def kept(self) -> Kept:
        """The numbers so far; what is held back is not among those kept."""
        capped, late = (self._capper.capped, self._capper.late) if self._capper is not None else ((), ())
        return Kept(self._read, self._kept, tuple(self._by_filter), tuple(capped), tuple(late))

    @property
    def positions(self) -> dict[str, int]:
        """Where the next run goes on, when all that `take` has given is safe."""
        return self._lanes.positions()

    def reading(self, lanes: tuple[str, ...]) -> None:
        """These are the partitions that are read now."""
        if self._capper is not None and lanes != self._reading:
            self._reading = lanes
            self._capper.set_lanes(lanes, self._clock())

    def add(self, batch: Sequence[Item]) -> None:
        """Look at the items of a batch, which may be empty: time passes all the same.

        Raises
        ------
        ExpressionError
            If a filter does not fit the first packet's schema.
        """
        now_s = self._clock()
        for item in batch:
            self._read += 1
            judged = self._judge(item)
            if isinstance(judged, Refusal):
                self._refuse(judged)
                continue
            packet, met = judged
            lane = packet.origin.partition if self._is_live else ""
            try:
                held = self._offer(packet, met, lane, now_s)
            except PacketError as error:
                self._refuse(refused(packet, str(error)))
            else:
                self._lanes.add(lane, packet.origin.offset if self._is_live else self._read, held)
        if self._is_live and isinstance(batch, Batch):
            self._lanes.reach(batch.positions)
        if self._capper is not None:
            if self._is_live:
                self._capper.settle(now_s)
            while self._lanes.blocked_bytes > HELD_BYTES and self._capper.close_oldest():
                pass

    def take(self) -> list[Held]:
        """What is decided and at the head of its lane: each is to be written for the filters it `passed`."""
        ready = self._lanes.take()
        self._kept += len(ready)
        for held in ready:
            for index in held.passed:
                self._by_filter[index] += 1
        return ready

    def finish(self) -> None:
        """The stream has ended: everything that is held back is decided."""
        if self._capper is not None:
            self._capper.finish()

    def drop(self) -> None:
        """Forget what is held back, and all positions: it comes again, here or elsewhere."""
        self._lanes.clear()
        if self._capper is not None:
            self._capper.drop()

    def _offer(self, packet: Packet, met: Sequence[int], lane: str, now_s: float) -> Held:
        if self._capper is None or is_notice(packet):
            return Held(packet, list(met))
        envelope = packet.origin.envelope
        time_ms = envelope.timestamp_ms if envelope is not None else None
        return self._capper.offer(packet, met, lane, None if time_ms is None else time_ms / 1000, now_s)


@contextmanager
def open_outputs(
    target: str, filters: FilterSet, *, kafka_config: str | None = None, durable: bool = False
) -> Iterator[list[Sink]]:
    """Open one sink for each filter: `target` itself, or by the filter's name a folder below it or a topic.

    `durable` is that of `open_sink`.

    Raises
    ------
    UsageError
        If named filters shall go elsewhere than into folders or topics.
    SourceError
        If a place cannot be written.
    """
    with ExitStack() as stack:
        if is_kafka_url(target):
            from bridge.convert.topic_outlets import topic_sinks
            from bridge.streams.kafka.settings import load_settings

            sinks = topic_sinks(parse_url(target), load_settings(kafka_config), filters)
            yield [stack.enter_context(sink) for sink in sinks]
            return
        if not any(filters.names):
            yield [stack.enter_context(open_sink(target, durable=durable))]
            return
        folder = Path(target)
        if target == "-" or folder.is_file() or folder.suffix in (".tar", ".gz", ".tgz", ".avro"):
            raise UsageError(
                f"Filters with names need a folder, in which each has its own; {target} is none."
            )
        yield [stack.enter_context(open_sink(folder / name, durable=durable)) for name in filters.names]


def keep_packets(
    batches: Iterable[Sequence[Item]],
    filters: FilterSet,
    outputs: Sequence[Sink],
    *,
    refuse: Callable[[Refusal], None],
    progress: Callable[[int, int], None] = lambda _read, _kept: None,
    is_live: bool = False,
    strict: bool = False,
) -> Kept:
    """Write each packet to the output of each filter that it meets.

    Parameters
    ----------
    batches
        What a source gives.
    filters, outputs
        Filter and sink of the same index belong together.
    refuse
        Called with each item that is no alert, or cannot be read.
    progress
        Called after each batch with the numbers of packets read and kept.
    is_live, strict
        As `Keeper`.

    Raises
    ------
    ExpressionError
        If a filter does not fit the first packet's schema.
    """
    takes_notices = all(output.takes_notices for output in outputs)
    keeper = Keeper(filters, refuse, is_live=is_live, strict=strict, takes_notices=takes_notices)
    for batch in batches:
        if is_live:
            keeper.reading(getattr(batches, "lanes", ()))
        keeper.add(batch)
        _write(keeper.take(), outputs)
        progress(keeper.kept.read, keeper.kept.kept)
    keeper.finish()
    _write(keeper.take(), outputs)
    return keeper.kept


def _write(ready: Sequence[Held], outputs: Sequence[Sink]) -> None:
    for held in ready:
        assert held.packet is not None
        for index in held.passed:
            outputs[index].write(held.packet)
