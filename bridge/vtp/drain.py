"""The orderly end of a broadcaster: what is under way to subscribers is still waited for, up to a limit.

An answer that is not waited for is not lost, for the subscriber keeps its place; but then it is sent the same
events once more when it comes back.
"""

from __future__ import annotations

from collections.abc import Collection

from twisted.internet.defer import Deferred

from bridge.vtp.subscriber import SubscriberProtocol
from bridge.vtp.twisted_types import Timer

__all__ = ["drain"]

LOOK_S = 0.02


def drain(members: Collection[SubscriberProtocol], patience_s: float, timer: Timer) -> Deferred[int]:
    """Send nothing new, and say goodbye to each subscriber when it has answered for what it was sent.

    Parameters
    ----------
    members
        Who is connected; it changes while connections end.
    patience_s
        Goodbye is said to whoever is left after so many seconds.
    timer
        The reactor, or a test's clock.

    Returns
    -------
    A Deferred that fires with the number of subscribers who had not answered for everything.
    """
    done: Deferred[int] = Deferred()
    ends_at = timer.seconds() + patience_s
    for member in tuple(members):
        member.finish()

    def look() -> None:
        waiting = [member for member in members if member.connection.flight]
        if waiting and timer.seconds() < ends_at:
            timer.callLater(LOOK_S, look)
            return
        for member in tuple(members):
            member.close()
        done.callback(len(waiting))

    look()
    return done
