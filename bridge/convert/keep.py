"""Keeps the packets that meet filters, byte for byte, in one output per filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.alerts.packet import Item, Packet, Refusal
from bridge.errors import PacketError, UsageError
from bridge.filters import FilterSet
from bridge.pipeline.pipeline import refused
from bridge.pipeline.selection import Selection
from bridge.streams import Sink, open_sink
from bridge.streams.kafka.url import is_kafka_url

__all__ = ["Kept", "keep_packets", "open_outputs"]


@dataclass(frozen=True, slots=True)
class Kept:
    """How many packets were read, how many met any filter, and how many each of them."""

    read: int
    kept: int
    by_filter: tuple[int, ...]


@contextmanager
def open_outputs(target: str, filters: FilterSet, *, kafka_config: str | None = None) -> Iterator[list[Sink]]:
    """Open one sink for each filter: `target` itself, or below it a folder by the filter's name.

    Below a topic it is the topic ``<target>.<name>``.

    Parameters
    ----------
    target
        Where packets go.
    filters
        With or without names.
    kafka_config
        Settings of the Kafka client: a file, or the name of a preset.

    Raises
    ------
    UsageError
        If named filters shall go elsewhere than into folders or topics.
    """
    with ExitStack() as stack:
        if not any(filters.names):
            yield [stack.enter_context(open_sink(target, kafka_config=kafka_config))]
            return
        if is_kafka_url(target):
            names = [f"{target}.{name}" for name in filters.names]
            yield [stack.enter_context(open_sink(name, kafka_config=kafka_config)) for name in names]
            return
        folder = Path(target)
        if target == "-" or folder.is_file() or folder.suffix in (".tar", ".gz", ".tgz", ".avro"):
            raise UsageError(
                f"Filters with names need a folder, in which each has its own; {target} is none."
            )
        yield [stack.enter_context(open_sink(folder / name)) for name in filters.names]


def keep_packets(
    batches: Iterable[Sequence[Item]],
    filters: FilterSet,
    outputs: Sequence[Sink],
    *,
    refuse: Callable[[Refusal], None],
    progress: Callable[[int, int], None] = lambda _read, _kept: None,
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

    Raises
    ------
    ExpressionError
        If a filter does not fit the first packet's schema.
    """
    select = Selection(filters.filters)
    read = kept = 0
    by_filter = [0] * len(outputs)
    for batch in batches:
        for item in batch:
            read += 1
            met = _met(select, item)
            if isinstance(met, Refusal):
                refuse(met)
                continue
            kept += bool(met)
            for index in met:
                assert isinstance(item, Packet)
                outputs[index].write(item)
                by_filter[index] += 1
        progress(read, kept)
    return Kept(read, kept, tuple(by_filter))


def _met(select: Selection, item: Item) -> Sequence[int] | Refusal:
    if isinstance(item, Refusal):
        return item
    if not isinstance(item, Packet):
        kind = "VOEvent or other XML" if item.kind == "voevent" else "JSON document"
        return refused(item, f"it is a {kind}, and filters look at Avro alerts")
    try:
        return select(item)
    except PacketError as error:
        return refused(item, str(error))
