"""What a pipeline shall do, as a value: it can be sent to worker processes and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.mapping import TranslateOptions

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How packets become events.

    Parameters
    ----------
    where
        Filter expressions; a packet goes on if it meets any of them, or if there are none.
    filters_file
        A TOML file with more filters.
    mapping
        Name or file of the mapping for all packets; None chooses by the writer schema.
    options
        How to translate.
    strict
        Refuse VOEvents that are not valid 2.0, which otherwise pass as they are.
    version
        Version of VOEvent to convert all events to; None leaves them as they are.
    """

    where: tuple[str, ...] = ()
    filters_file: Path | None = None
    mapping: str | None = None
    options: TranslateOptions = field(default_factory=TranslateOptions)
    strict: bool = False
    version: str | None = None
