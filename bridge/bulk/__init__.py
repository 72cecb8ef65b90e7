"""Bulk transport: alerts into topics and out of them, watched, archived by the night, and sent again.

These are the survey operators' tools. They move messages byte for byte and look into them only to name them.
"""

from __future__ import annotations

__all__: list[str] = []
