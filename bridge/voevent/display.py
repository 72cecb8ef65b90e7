"""A VOEvent for a person at a Python prompt or in a notebook: the few lines by which one knows it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.voevent.model import VOEvent
    from bridge.voevent.what import Param
    from bridge.voevent.why import Inference

__all__ = ["describe", "describe_html"]

_MOST = 40
_MOST_INFERENCES = 5


def describe(event: VOEvent) -> str:
    """The event in a few lines."""
    lines = [f"<VOEvent {event.ivorn or 'without identifier'}"]
    lines += [f"  {label}: {text}" for label, text in _facts(event)]
    return "\n".join(lines) + ">"


def describe_html(event: VOEvent) -> str:
    """The event as an HTML table, with its Params."""
    rows = "".join(f"<tr><th>{label}</th><td>{escape(text)}</td></tr>" for label, text in _facts(event))
    params: list[tuple[str | None, Param]] = [(None, param) for param in event.params.all]
    params += [(group.name, param) for group in event.groups.all for param in group.params]
    shown = "".join(_row(group, param) for group, param in params[:_MOST])
    more = f"<p>and {len(params) - _MOST} more</p>" if len(params) > _MOST else ""
    head = "<tr><th>Group</th><th>Param</th><th>value</th><th>unit</th><th>UCD</th></tr>"
    what = f"<table>{head}{shown}</table>{more}" if params else ""
    return f"<b>VOEvent {escape(event.ivorn or 'without identifier')}</b><table>{rows}</table>{what}"


def _facts(event: VOEvent) -> list[tuple[str, str]]:
    who, position = event.who, event.position
    facts = [("role", f"{event.role or 'observation (not written)'}, version {event.version or 'unknown'}")]
    if who is not None and (who.author_ivorn or who.date):
        facts.append(("by", ", ".join(text for text in (who.author_ivorn, who.date) if text)))
    if event.time:
        facts.append(("time", f"{event.time} {event.time_scale or ''}".rstrip()))
    if position is not None:
        error = f" +- {position.error_deg:g}" if position.error_deg is not None else ""
        facts.append(
            ("position", f"{position.ra_deg:.9g} {position.dec_deg:+.9g}{error} deg ({position.frame})")
        )
    counts = [
        f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
        for name, things in (
            ("Param", event.params.all),
            ("Group", event.groups.all),
            ("Table", event.tables.all),
        )
        if things
    ]
    if counts:
        facts.append(("what", ", ".join(counts)))
    if event.why is not None:
        words = [text for each in event.why.inferences if (text := _inference(each))]
        if len(words) > _MOST_INFERENCES:
            words[_MOST_INFERENCES:] = [f"and {len(words) - _MOST_INFERENCES} more"]
        if words:
            facts.append(("why", ", ".join(words)))
    if event.citations is not None:
        facts += [(each.cite or "cites", each.ivorn.strip() or "nothing") for each in event.citations.events]
    return facts


def _inference(inference: Inference) -> str:
    """What the event may be, and how probable that is: "SN Ia 0.93"."""
    name = next((text.strip() for text in (*inference.names, *inference.concepts) if text.strip()), "")
    probability = inference.probability.written if inference.probability is not None else None
    return f"{name} {(probability or '').strip()}".strip() if name else ""


def _row(group: str | None, param: Param) -> str:
    written = param.written or ""
    shown = written if len(written) <= 200 else f"{written[:200]}... ({len(written):,} characters)"
    cells = (group or "", param.name or "", shown, param.unit or "", param.ucd or "")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
