"""Which mapping a document gets: by the URL of its schema, its topic, or its fields, in this order."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from bridge.errors import PacketError
from bridge.mapping.documents.notice import Notice
from bridge.mapping.documents.paths import has_value
from bridge.mapping.library import GENERIC_DOCUMENT, list_mappings, load_mapping
from bridge.mapping.model import Mapping, Match

__all__ = ["choose_for_notice", "document_mappings"]


@cache
def document_mappings() -> tuple[Mapping, ...]:
    """The mappings for documents that come with the package, without the generic one."""
    return tuple(item for item in list_mappings() if item.reads_documents and item.key != GENERIC_DOCUMENT)


def choose_for_notice(notice: Notice) -> Mapping:
    """The mapping for a notice: the one that claims it, else the generic one.

    Raises
    ------
    PacketError
        If two mappings claim it with equal right.
    """
    claims = [
        (claim, item) for item in document_mappings() if (claim := _claim(item.match, notice)) is not None
    ]
    if not claims:
        return load_mapping(GENERIC_DOCUMENT)
    best = max(claim for claim, _ in claims)
    first, *others = [item for claim, item in claims if claim == best]
    if others:
        raise PacketError(
            f"mappings {first.key!r} and {others[0].key!r} claim it alike: choose one with --mapping"
        )
    return first


def _claim(match: Match, notice: Notice) -> tuple[int, int] | None:
    """Strength of a claim: by schema 3, by topic 2, by fields 1, then how many fields; None for no claim."""
    content: dict[str, Any] = notice.content
    fields = len(match.fields) + len(match.without)
    if match.schema_url and re.fullmatch(match.schema_url, str(content.get("$schema", ""))):
        return 3, fields
    if match.topic and re.fullmatch(match.topic, notice.topic):
        return 2, fields
    fits = all(has_value(content, path) for path in match.fields) and not any(
        has_value(content, path) for path in match.without
    )
    return (1, fields) if match.fields and fits else None
