"""The page on which the journal is searched: a form, and what it finds, fifty at a time."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.journal import Summary
from bridge.web.asking import ROLES, Asked
from bridge.web.glimpse import LISTED
from bridge.web.markup import Markup, fill, join, tag
from bridge.web.page import event_table, frame

__all__ = ["events_page"]


def events_page(asked: Asked, found: Sequence[Summary], problem: str | None = None) -> bytes:
    """The page.

    Parameters
    ----------
    asked
        The form as it was filled in.
    found
        Events, the newest first; one more than is shown says that there is another page.
    problem
        Why nothing could be searched, as a sentence.
    """
    shown = found[:LISTED]
    values: dict[str, object] = {
        name: getattr(asked, name)
        for name in ("ivorn", "since", "until", "position", "radius", "stream", "about")
    }
    values |= {
        "roles": join(
            tag("option", text, value=role, selected=role == asked.role)
            for role, text in (("", "any"), *((role, role) for role in ROLES))
        ),
        "problem": tag("p", problem, class_="health ill", role="alert") if problem else None,
        "events": None if problem else event_table(shown, "Events that were found"),
        "pages": _pages(asked, found, shown),
    }
    return frame("Events", fill("events", values), where="events")


def _pages(asked: Asked, found: Sequence[Summary], shown: Sequence[Summary]) -> Markup:
    links: list[object] = []
    if asked.before:
        links.append(tag("a", "Newest", href=asked.address(before="")))
    if len(found) > len(shown):
        links.append(tag("a", "Older", href=asked.address(before=shown[-1].seq), rel="next"))
    return join(links, " ")
