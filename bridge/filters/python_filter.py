"""Filters in Python, for those who run their own code: a function of the whole decoded alert.

Separate from the expressions, because nothing is checked or bounded here: the function may do anything.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bridge.alerts.decode import decode_datum
from bridge.alerts.fields import Field
from bridge.alerts.schema import Schema
from bridge.errors import PacketError, UsageError

if TYPE_CHECKING:
    from bridge.filters.filter import Predicate

__all__ = ["PythonFilter"]


@dataclass(frozen=True, slots=True)
class PythonFilter:
    """A function ``function(alert: dict) -> bool``.

    Parameters
    ----------
    target
        ``module:function``; the function's name may have dots.
    name
        What to call it in messages and outputs.

    Raises
    ------
    UsageError
        If the module cannot be imported, or has no such function.
    """

    target: str
    name: str = ""
    _function: Callable[[dict[str, Any]], Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Import the function."""
        object.__setattr__(self, "_function", _import(self.target))

    def accepts(self, alert: dict[str, Any]) -> bool:
        """Whether a decoded alert passes.

        Raises
        ------
        PacketError
            If the function raises; that costs this packet and not the stream.
        """
        try:
            return bool(self._function(alert))
        except Exception as error:
            reason = f"the Python filter {self.name or self.target!r} raised {error!r}"
            raise PacketError(reason) from error

    def fields(self, schema: Schema) -> tuple[Field, ...]:
        """None in particular: the function gets the whole alert."""
        return ()

    def compile(self, schema: Schema) -> Predicate:
        """The filter as a function of a datum, which is decoded in full."""
        from bridge.filters.filter import Predicate

        def evaluate(data: bytes, start: int = 0, stop: int | None = None) -> bool:
            return self.accepts(decode_datum(schema, data, start, stop))

        return Predicate((), evaluate)


def _import(target: str) -> Callable[[dict[str, Any]], Any]:
    module_name, colon, path = target.partition(":")
    if not (colon and module_name and path):
        raise UsageError(f"A Python filter is written python:module:function; {target!r} is not.")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise UsageError(
            f"The module {module_name!r} of a Python filter cannot be imported: {error!r}."
        ) from error
    for name in path.split("."):
        found = getattr(found, name, None)
    if not callable(found):
        raise UsageError(f"The module {module_name!r} has no function {path!r} to filter with.")
    function: Callable[[dict[str, Any]], Any] = found
    return function
