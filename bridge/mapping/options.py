"""How a user wants alerts translated: who authors, how much history, which cutouts, how large at most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.errors import UsageError
from bridge.voevent.ids import check_authority
from bridge.voevent.xmltext import is_uri

__all__ = ["COMET_LIMIT_BYTES", "TranslateOptions"]

COMET_LIMIT_BYTES = 99_999
"""Longest packet that a stock Comet takes: Twisted closes the connection at 100,000 bytes."""
ROLES = ("observation", "prediction", "utility", "test")


@dataclass(frozen=True, slots=True)
class TranslateOptions:
    """Options of a translation; equal options share one compiled translator.

    Parameters
    ----------
    local_ivo
        The author's identifier; event identifiers begin with it.
    role
        Role of every packet; None leaves it to the mapping.
    history
        ``all``, ``none``, or how many of the newest rows each table keeps (the alert's own detection is not
        counted).
    cutouts
        ``omit``; ``embed`` as base64; a folder (`Path`) into which they are written and referenced; or a URL
        template with ``{id}`` (local part of the IVORN) and ``{name}``.
    max_bytes
        Size limit of a packet in bytes.
    cutouts_url
        Where the folder of `cutouts` is published: references are this URL and the file's name, instead of
        ``file:`` URLs. Idle while cutouts are left out.

    Raises
    ------
    UsageError
        If an option has no such value.
    """

    local_ivo: str = "ivo://voevent-bridge.local/feed"
    role: str | None = None
    history: str | int = "all"
    cutouts: str | Path = "omit"
    max_bytes: int = COMET_LIMIT_BYTES
    cutouts_url: str = ""

    def __post_init__(self) -> None:
        check_authority(self.local_ivo)
        if self.role is not None and self.role not in ROLES:
            raise UsageError(f"Role {self.role!r} is none of {', '.join(ROLES)}.")
        if self.history not in ("all", "none") and not (
            isinstance(self.history, int) and not isinstance(self.history, bool) and self.history >= 0
        ):
            raise UsageError(f"History {self.history!r} is neither 'all', 'none' nor a number of rows.")
        if (
            isinstance(self.cutouts, str)
            and self.cutouts not in ("omit", "embed")
            and ("://" not in self.cutouts or "{id}" not in self.cutouts or "{name}" not in self.cutouts)
        ):
            raise UsageError(
                f"Cutouts {self.cutouts!r} is neither 'omit' nor 'embed', nor a folder (a Path), nor a URL "
                "template with {id} and {name}, such as https://example.org/{id}/{name}.fits."
            )
        by_file = isinstance(self.cutouts, Path) or self.cutouts == "omit"
        if self.cutouts_url and not (is_uri(self.cutouts_url) and by_file):
            raise UsageError(
                f"The URL of cutouts {self.cutouts_url!r} must be one, such as https://example.org/maps, and "
                "go with a folder into which they are written."
            )
        if self.max_bytes < 1:
            raise UsageError(f"A packet of at most {self.max_bytes} bytes cannot be: give a larger limit.")
