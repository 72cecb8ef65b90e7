"""A snapshot for a person: a table that lives on the terminal, or one line for a log."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from bridge.bulk.snapshot import Snapshot, spread
from bridge.wording import counted

__all__ = ["snapshot_line", "snapshot_table"]

MOST_ROWS = 40


def snapshot_line(snapshot: Snapshot) -> str:
    """The snapshot on one line."""
    parts = [counted(snapshot.messages, "message"), f"{snapshot.bytes / 1e6:.1f} MB"]
    if snapshot.seconds:
        rate = snapshot.messages / snapshot.seconds
        parts += [f"{rate:,.1f} messages/s", f"{snapshot.bytes / 1e6 / snapshot.seconds:.2f} MB/s"]
    if snapshot.group:
        lag = "no commits" if snapshot.lag is None else f"{snapshot.lag:,} behind"
        parts.append(f"group {snapshot.group}: {lag}")
    for name, ages_s in (("messages", snapshot.message_age_s), ("alerts", snapshot.alert_age_s)):
        ages = spread(ages_s)
        if ages is not None:
            parts.append(f"{name} {_age(ages['median'])} old (most {_age(ages['max'])})")
    parts += [f"{count:,} {kind}" for kind, count in snapshot.kinds.items()]
    if snapshot.trouble:
        parts.append(snapshot.trouble)
    return ", ".join(parts)


def snapshot_table(snapshot: Snapshot) -> Group:
    """The snapshot as a table: a row for each partition, the busiest first where there are many."""
    table = Table(box=None, pad_edge=False)
    table.add_column("topic")
    for name in ("partition", "there", "end", "read", "per s", "MB/s", "lag"):
        table.add_column(name, justify="right")
    rows = sorted(snapshot.partitions, key=lambda each: -each.messages)[:MOST_ROWS]
    for each in sorted(rows, key=lambda each: (each.topic, each.partition)):
        seconds = snapshot.seconds
        table.add_row(
            Text(each.topic),
            str(each.partition),
            f"{each.end - each.first:,}",
            f"{each.end:,}",
            f"{each.messages:,}",
            f"{each.messages / seconds:,.1f}" if seconds else "",
            f"{each.bytes / 1e6 / seconds:.2f}" if seconds else "",
            "" if each.lag is None else f"{each.lag:,}",
        )
    left_out = len(snapshot.partitions) - len(rows)
    more = [Text(f"... and {counted(left_out, 'partition')} with less traffic")] if left_out > 0 else []
    return Group(table, *more, Text(""), Text(snapshot_line(snapshot)))


def _age(seconds: float) -> str:
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    if abs(seconds) < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if abs(seconds) < 172_800 else f"{seconds / 86_400:,.0f} d"
