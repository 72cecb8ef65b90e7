"""Things of an event by their names: neither the nameless nor a name that is there twice gets lost."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

__all__ = ["Named"]


class _HasName(Protocol):
    @property
    def name(self) -> str | None: ...


T = TypeVar("T", bound=_HasName)


class Named(Mapping[str, T]):
    """A read-only mapping of names to things; of several with one name it gives the first.

    Parameters
    ----------
    things
        What there is, in order.
    kind
        What to call one in messages.

    Attributes
    ----------
    all
        All of them, those without a name too.
    """

    __slots__ = ("_kind", "all")

    def __init__(self, things: Sequence[T], kind: str) -> None:
        self.all = tuple(things)
        self._kind = kind

    def __getitem__(self, name: str) -> T:
        """The thing of a name; KeyError says which names are near."""
        for thing in self.all:
            if thing.name == name:
                return thing
        near = difflib.get_close_matches(str(name), list(self), n=3)
        hint = f"; near it are {', '.join(map(repr, near))}" if near else ""
        raise KeyError(f"the event has no {self._kind} {name!r}{hint}")

    def __iter__(self) -> Iterator[str]:
        """The names, each once."""
        return iter(dict.fromkeys(thing.name for thing in self.all if thing.name is not None))

    def __len__(self) -> int:
        """How many names there are."""
        return len({thing.name for thing in self.all if thing.name is not None})

    def __repr__(self) -> str:
        return f"<{self._kind}s {', '.join(map(repr, self)) or 'none'}>"
