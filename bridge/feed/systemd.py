"""Tells systemd that the feed is ready, ends, or is alive (``sd_notify``), where systemd asked for it.

The protocol is one datagram of text to the socket that the environment names (man page sd_notify(3)).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

__all__ = ["notify", "watchdog_interval_s"]


def notify(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Send a state such as ``READY=1``; False where nobody asked for it or listens."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as telling:
            # The feed's thread must not wait for it.
            telling.setblocking(False)
            telling.sendto(state.encode(), address)
    except OSError:
        return False
    return True


def watchdog_interval_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """How often to send ``WATCHDOG=1``, in seconds: half the time after which systemd restarts the feed."""
    if environment.get("WATCHDOG_PID") not in (None, str(os.getpid())):
        return None
    time_us = environment.get("WATCHDOG_USEC", "")
    if not time_us.isdecimal() or int(time_us) == 0:
        return None
    return int(time_us) / 2e6
