"""Names and texts as TOML has them, for mapping files that are written as first drafts."""

from __future__ import annotations

import re

__all__ = ["toml_key", "toml_text"]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")


def toml_key(name: str) -> str:
    """A key: bare where TOML allows it."""
    return name if _BARE_KEY.match(name) else toml_text(name)


def toml_text(text: str) -> str:
    """A basic string; what cannot be printed is a blank."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else " " for c in escaped) + '"'
