"""What all pages share: the frame around them, and the few pieces of which they are made."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.journal import Summary
from bridge.web.asking import Asked
from bridge.web.chart_sky import role_class
from bridge.web.markup import Markup, cells, fill, join, tag
from bridge.web.wording import iso_time, position

__all__ = ["event_table", "facts", "frame", "table", "time_tag"]


def frame(title: str, body: Markup, *, live: bool = False, where: str = "") -> bytes:
    """A whole page.

    Parameters
    ----------
    title
        For the tab of the browser.
    body
        What is between head and foot.
    live
        Whether the page is asked for again every few seconds.
    where
        Which entry of the menu this page is: ``feed``, ``events``, or none.
    """
    refresh = tag("noscript", tag("meta", http_equiv="refresh", content="10")) if live else None
    script = tag("script", src="live.js", defer=True) if live else None
    menu = join(
        (
            tag("a", text, href=address, aria_current="page" if where == name else None)
            for name, address, text in (("feed", "./", "Feed"), ("events", "events", "Events"))
        ),
        " ",
    )
    page = fill("page", {"title": title, "refresh": refresh, "script": script, "menu": menu, "body": body})
    return page.encode()


def table(head: Iterable[object], rows: Iterable[Markup], *, says: str, kind: str | None = None) -> Markup:
    """A table that can be moved sideways where it is wider than the screen, by keyboard too.

    Parameters
    ----------
    head
        Names of the columns; a pair is a name with a class.
    rows
        Made by `cells`.
    says
        What the table is about, for who does not see it.
    kind
        Its class in the style.
    """
    inner = tag("table", tag("thead", cells("th", *head)), tag("tbody", *rows), class_=kind)
    return tag("div", inner, class_="wide", tabindex="0", role="region", aria_label=says)


def facts(pairs: Iterable[tuple[object, object]]) -> Markup:
    """Names and values, one pair a line."""
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs))


def time_tag(time_unix_s: float) -> Markup:
    """A moment, UTC."""
    text = iso_time(time_unix_s)
    return tag("time", text.replace("T", " ").removesuffix("Z"), datetime=text)


def event_table(events: Iterable[Summary], says: str) -> Markup:
    """Events as rows: when published, which, and where on the sky."""
    rows = []
    for event in events:
        stream, sign, local = event.ivorn.partition("#")
        rows.append(
            cells(
                "td",
                (time_tag(event.published_at), "number"),
                tag("a", local if sign else event.ivorn, href=f"event?seq={event.seq}", title=event.ivorn),
                tag("span", event.role, class_=f"role {role_class(event.role)}"),
                tag("a", stream, href=Asked(stream=stream).address()) if sign else "",
                (position(event.ra_deg, event.dec_deg), "number place"),
                tag("a", "XML", href=f"event.xml?seq={event.seq}", aria_label=f"XML of {event.ivorn}")
                if event.kept
                else tag(
                    "span", "removed", title="The packet has been removed by retention.", class_="quiet"
                ),
            )
        )
    if not rows:
        return tag("p", "There are no such events.", class_="quiet")
    head = ("Published (UTC)", "Event", "Role", "Stream", "RA, Dec (J2000)", "Packet")
    return table(head, rows, says=says, kind="events")
