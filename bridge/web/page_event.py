"""The page of one event: what it says, in tables; its light curve; its XML, as text and as the exact bytes.

Whatever is shown here was written by a stranger. Links are made of addresses on the web only, and numbers of
rows and of characters are bounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.alerts.packet import Document, Origin
from bridge.errors import PacketError
from bridge.inspect.report import Fact, Report, Section, Table
from bridge.inspect.voevent import report_voevent
from bridge.journal import Summary
from bridge.web.asking import Asked
from bridge.web.chart_curve import draw_curve
from bridge.web.markup import Markup, cells, fill, join, tag
from bridge.web.page import event_table, facts, frame, table, time_tag
from bridge.web.wording import number, position
from bridge.wording import counted

__all__ = ["EventView", "event_page"]

MOST_ROWS = 500
MOST_PARTS = 100
"""So many sections, and so many tables, are shown of a packet."""
MOST_CHARACTERS = 300_000
MOST_BYTES = 500_000
"""A packet that is longer is not taken apart; its bytes can be had. Brokers take 100,000."""

KINDS = {"authored": "authored here", "relayed": "relayed as it came"}


@dataclass(frozen=True, slots=True)
class EventView:
    """What the journal has of one event.

    Parameters
    ----------
    event
        What is known about it.
    data
        The packet; None when retention has removed it.
    editions
        Everything under its IVORN, the newest first: relayed events can have several.
    """

    event: Summary
    data: bytes | None
    editions: Sequence[Summary]


def event_page(view: EventView) -> bytes:
    """The page."""
    event = view.event
    body = fill(
        "event",
        {
            "ivorn": event.ivorn,
            "links": join(_links(view), " · "),
            "known": facts(_known(view)),
            "packet": _packet(view),
        },
    )
    return frame(event.ivorn, body)


def _links(view: EventView) -> Iterator[object]:
    event = view.event
    if view.data is not None:
        yield tag("a", "Download the XML", href=f"event.xml?seq={event.seq}", download=True)
    stream, sign, _ = event.ivorn.partition("#")
    if sign:
        yield tag("a", "All of this stream", href=Asked(stream=stream).address())
    if event.object_key:
        yield tag("a", f"All of the object {event.object_key}", href=Asked(about=event.object_key).address())


def _known(view: EventView) -> Iterator[tuple[object, object]]:
    event = view.event
    yield "Published", join((time_tag(event.published_at), " UTC"))
    yield "Place in the journal", number(event.seq)
    yield "Role", event.role
    yield "Kind", KINDS[event.kind]
    yield "Observed", event.observed_at or "not said"
    yield "RA, Dec (J2000)", position(event.ra_deg, event.dec_deg) or "none"
    yield "Size", f"{number(event.size_bytes)} bytes"
    if len(view.editions) > 1:
        yield "Editions", event_table(view.editions, "Everything that was published under this IVORN")


def _packet(view: EventView) -> Markup:
    if view.data is None:
        return tag(
            "p", "The packet has been removed by retention: only what is above is known.", class_="quiet"
        )
    if len(view.data) > MOST_BYTES:
        says = f"The packet has more than {number(MOST_BYTES)} bytes, and is not shown here; download it."
        return tag("p", says, class_="quiet")
    try:
        document = Document(view.data, "voevent", Origin("journal", view.event.seq))
        report = report_voevent(document, with_cutouts=False)
    except PacketError as error:
        return join((tag("p", f"The packet cannot be read: {error}.", class_="health ill"), _xml(view.data)))
    return join((*_report(report), _xml(view.data)))


def _report(report: Report) -> Iterator[Markup]:
    yield from (tag("p", note, class_="quiet") for note in report.notes)
    drawn = draw_curve(report.light_curve) if report.light_curve is not None else None
    if drawn is not None:
        yield tag("section", tag("h2", "Light curve"), drawn)
    for section in report.sections[:MOST_PARTS]:
        shown = _section(section)
        if shown is not None:
            yield shown
    if report.tables:
        yield tag("section", tag("h2", "Tables"), *(_table(each) for each in report.tables[:MOST_PARTS]))
    left = max(len(report.sections), len(report.tables)) - MOST_PARTS
    if left > 0:
        yield tag("p", f"And {number(left)} more parts, in the XML.", class_="quiet")


def _section(section: Section) -> Markup | None:
    """A section as names and values; Params with their units and meanings as a table of their own."""
    plain = [fact for fact in section.facts if fact.label and fact.key != "file" and not _is_param(fact)]
    params = [fact for fact in section.facts if _is_param(fact)]
    if not plain and not params:
        return None
    head = ("Name", ("Value", "number"), "Unit", "UCD", "Description")
    rows = [_param(fact) for fact in params[:MOST_ROWS]]
    left = len(params) - MOST_ROWS
    return tag(
        "section",
        tag("h2", section.title),
        facts((fact.label, _value(fact)) for fact in plain[:MOST_ROWS]),
        table(head, rows, says=f"Params of {section.title}", kind="params") if rows else None,
        tag("p", f"And {number(left)} more, in the XML.", class_="quiet") if left > 0 else None,
    )


def _is_param(fact: Fact) -> bool:
    return isinstance(fact.value, dict) and "data_type" in fact.value


def _param(fact: Fact) -> Markup:
    value: dict[str, Any] = fact.value
    written = value["value"]
    # What is long is told by its length; the report says how.
    shown = written if written and len(written) <= 300 else fact.text.split("  (")[0]
    return cells(
        "td", fact.label, (_linked(shown), "number"), value["unit"], value["ucd"], value["description"]
    )


def _value(fact: Fact) -> object:
    if isinstance(fact.value, dict) and "cite" in fact.value:
        ivorn = fact.value["ivorn"]
        return tag("a", ivorn, href=Asked(ivorn=ivorn).address()) if ivorn else "nothing"
    return _linked(fact.text)


def _linked(text: str) -> object:
    """Text; a link where it is an address on the web, and nothing else: a packet may say ``javascript:``."""
    plain = text.isascii() and text.isprintable() and not set(text) & set(" \"'<>")
    if plain and text.startswith(("https://", "http://")):
        return tag("a", text, href=text, rel="noreferrer noopener nofollow")
    return text


def _table(each: Table) -> Markup:
    rows = (cells("td", *((cell, "number") for cell in row)) for row in each.rows[:MOST_ROWS])
    name = each.name or "Table"
    left = len(each.rows) - MOST_ROWS
    return tag(
        "details",
        tag("summary", f"{name} ({counted(len(each.rows), 'row')})"),
        tag("p", each.description, class_="quiet") if each.description else None,
        table(each.columns, rows, says=name),
        tag("p", f"And {number(left)} more rows, in the XML.", class_="quiet") if left > 0 else None,
    )


def _xml(data: bytes) -> Markup:
    text = data.decode("utf-8", "replace")
    left = len(text) - MOST_CHARACTERS
    more = f"And {number(left)} more characters; download the XML." if left > 0 else None
    return tag(
        "details",
        tag("summary", "XML as text"),
        tag("pre", text[:MOST_CHARACTERS], tabindex="0"),
        tag("p", more, class_="quiet") if more else None,
        open=True,
    )
