"""Runs a program for each event, with the packet on its standard input, as stock brokers do."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess

from bridge.client.received import ReceivedEvent
from bridge.errors import SourceError, UsageError

__all__ = ["CommandHandler"]


class CommandHandler:
    """A command line that is run without a shell.

    Parameters
    ----------
    text
        The program and its arguments, quoted as in a shell.

    Raises
    ------
    UsageError
        If it is malformed, or there is no such program.
    """

    def __init__(self, text: str) -> None:
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"The command {text!r} cannot be read ({error}).") from None
        if not self._words or shutil.which(self._words[0]) is None:
            raise UsageError(f"There is no program {(self._words or [''])[0]!r}; check its name and path.")

    def __call__(self, event: ReceivedEvent) -> None:
        """Run it, and wait until it has ended.

        Raises
        ------
        SourceError
            When it cannot be run, or ends with another status than 0.
        """
        try:
            # In a process group of its own: Ctrl-C is meant for us, and the program may finish its event.
            done = subprocess.run(self._words, input=event.xml, check=False, process_group=0)
        except BrokenPipeError:
            # It did not want to read all of the packet.
            return
        except OSError as error:
            raise SourceError(f"{self._words[0]} cannot be run ({error.strerror or error}).") from error
        if done.returncode < 0:
            raise SourceError(f"{self._words[0]} was ended by {signal.Signals(-done.returncode).name}.")
        if done.returncode:
            raise SourceError(f"{self._words[0]} has ended with status {done.returncode}.")
