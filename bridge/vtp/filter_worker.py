"""The process in which subscribers' XPath expressions run, so that none of them can hold the broker up.

It reads events with expressions from its standard input and writes the results. What an evaluation may cost
is kept by the kernel: a timer of processor time, whose signal ends the process. The broker then knows which
expression it was, and starts another process.
"""

from __future__ import annotations

import resource
import signal
import struct
import sys
import time
from collections.abc import Iterable
from typing import BinaryIO

from lxml import etree

from bridge.vtp.messages import safe_parser
from bridge.vtp.xpath import compile_xpath

__all__ = ["ANSWER", "encode_request", "evaluate", "main"]

ANSWER = struct.Struct(">?I")
"""Whether the event passes, and the processor time that it took, in microseconds."""

_HEAD = struct.Struct(">IH")
_LENGTH = struct.Struct(">I")
_MEMORY_BYTES = 1 << 30


def encode_request(data: bytes, expressions: tuple[str, ...]) -> bytes:
    """An event and the expressions to try on it, as they go to the worker."""
    texts = [text.encode() for text in expressions]
    parts = [_HEAD.pack(len(data), len(texts)), data]
    for text in texts:
        parts += (_LENGTH.pack(len(text)), text)
    return b"".join(parts)


def evaluate(expressions: Iterable[str], data: bytes) -> dict[str, bool]:
    """What each filter says of an event; evaluated here and now, whatever it costs."""
    root = _parse(data)
    return {text: root is not None and _passes(text, root) for text in expressions}


def main() -> None:
    """Answer requests until the input ends; the argument is the time for one evaluation in seconds."""
    budget_s = float(sys.argv[1])
    # The broker's terminal and its service manager mean the broker.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(_HEAD.size):
        size, count = _HEAD.unpack(head)
        data = source.read(size)
        expressions = [_read_text(source) for _ in range(count)]
        root = _parse(data)
        for expression in expressions:
            began = time.process_time()
            # The default action of its signal ends the process, inside libxml2 as well.
            signal.setitimer(signal.ITIMER_VIRTUAL, budget_s)
            result = root is not None and _passes(expression, root)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            sink.write(ANSWER.pack(result, min(int((time.process_time() - began) * 1e6), 0xFFFFFFFF)))
            sink.flush()


def _read_text(source: BinaryIO) -> str:
    (length,) = _LENGTH.unpack(source.read(_LENGTH.size))
    return source.read(length).decode()


def _parse(data: bytes) -> etree._Element | None:
    try:
        return etree.fromstring(data, parser=safe_parser())
    except (etree.XMLSyntaxError, ValueError):
        return None


def _passes(expression: str, root: etree._Element) -> bool:
    try:
        return bool(compile_xpath(expression)(root))
    except (etree.XPathError, MemoryError):
        # An unknown prefix or function: Comet, too, counts it as 'does not pass'.
        return False


if __name__ == "__main__":
    main()
