"""Whether filters and mapping have been seen to fit what comes, also by an earlier run of the feed.

Filters that do not fit the first alert are a mistake, and end the feed before an alert is lost to it. Those
that are known to be right must not end it when the first alert after a restart is an odd one. So the journal
keeps a mark of the filters and mapping that have fitted, and others have to show it anew.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from bridge.errors import SourceError
from bridge.journal import Journal
from bridge.pipeline import Pipeline, Plan

__all__ = ["Proof", "mark_of"]


class Proof:
    """Knows whether the plan of a feed has fitted, and has the journal keep it.

    Parameters
    ----------
    journal
        Keeps the mark.
    plan
        Filters and mapping at the start.

    Attributes
    ----------
    known
        Whether the plan has fitted.
    """

    def __init__(self, journal: Journal, plan: Plan) -> None:
        self._journal = journal
        self._mark = mark_of(plan)
        self._pipeline: Pipeline | None = None
        self.known = journal.plan_mark() == self._mark

    def watch(self, pipeline: Pipeline) -> Pipeline:
        """Learn from the pipeline that begins with the plan; gives it back."""
        self._pipeline = pipeline
        return pipeline

    def renew(self, plan: Plan, *, fits: bool) -> None:
        """Another plan holds from now on, which was tried on an alert, or was not."""
        mark = mark_of(plan)
        if mark != self._mark:
            self._mark, self._pipeline, self.known = mark, None, False
            if fits:
                self._keep()

    def look(self) -> None:
        """Keep what has turned out meanwhile; to be called now and then."""
        if not self.known and self._pipeline is not None and self._pipeline.proven:
            self._keep()

    def _keep(self) -> None:
        try:
            self._journal.note_plan(self._mark)
        except SourceError:
            # A full disk is told by others; without the mark the plan has to show again that it fits.
            return
        self.known = True


def mark_of(plan: Plan) -> int:
    """A number by which filters and mapping are known, the contents of their files included."""
    digest = hashlib.blake2b(digest_size=7)
    for part in (*plan.where, "", plan.mapping or ""):
        digest.update(f"{part}\0".encode(errors="surrogateescape"))
    for name in (plan.filters_file, plan.mapping):
        try:
            digest.update(Path(name).read_bytes() if name is not None else b"")
        except OSError:
            # The name of a mapping of ours; a file that is missing is told by who needs it.
            digest.update(b"\0")
    return int.from_bytes(digest.digest(), "big")
