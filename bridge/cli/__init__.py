"""The command ``voevent-bridge``: one small module per subcommand, loaded only when it is called.

Commands hold no logic: they turn options into a library call and its outcome into text, JSON and an exit
status (0 all well, 1 some input refused, 2 wrong usage or configuration).
"""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from bridge import __version__
from bridge.errors import BridgeError, UsageError

__all__ = ["main", "root"]

ASKED_AGAIN_S = 0.5

COMMANDS = {
    "archive": "keep Kafka topics in tar files, one a night, exactly once",
    "bench": "measure this machine: lens, translator, feed",
    "consume": "print and save the alerts of a Kafka topic",
    "convert": "alert files in, VOEvents out",
    "demo": "simulated surveys, a filter, the feed and a stock Comet, in about a minute",
    "filter": "keep the packets that meet a condition, byte for byte",
    "inspect": "show an alert or VOEvent to a person",
    "journal": "look into the journal of a feed, and keep it safe",
    "mapping": "list, show, check and write mapping files",
    "monitor": "watch Kafka topics: rate, lag, age, schemas",
    "produce": "send alerts from files to a Kafka topic",
    "replay": "send an archive again, at any speed",
    "schemas": "list, show, add and fetch alert schemas",
    "serve": "run the feed: alerts in, VOEvents out over VTP",
    "simulate": "make realistic alerts from a seed",
    "subscribe": "listen to any VTP broker",
    "submit": "send VOEvents to any VTP broker as an author",
    "status": "ask a running feed how it is",
    "validate": "say what is wrong with VOEvents, and what to do",
}


class _ReaderGoneError(Exception):
    """Who read our standard output (head, less) has gone."""


class _LazyGroup(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        # click and rich each end the program with status 1 where a pipe is closed; that is no failure.
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGoneError from None
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):
                raise _ReaderGoneError from None
            raise

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"bridge.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(
    cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="voevent-bridge")
def root() -> None:
    """Survey alerts (Avro: ZTF, Rubin/LSST, Fink) to VOEvent 2.0, in files and over VTP.

    \b
    Example:
      voevent-bridge convert alerts.tar.gz -o voevents/
    """


def main(args: list[str] | None = None) -> Any:
    """Run the command line and exit with its status."""
    _make_streams_safe()
    try:
        with _ending_orderly():
            status = root.main(args=args, prog_name="voevent-bridge", standalone_mode=False)
            if sys.stdout is not None:
                sys.stdout.flush()
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BridgeError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except (BrokenPipeError, _ReaderGoneError):
        # Nothing more to say, not even at shutdown.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        # Commands explain what befalls their files; what is left is standard output on a full disk.
        if error.filename is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        click.echo(f"Error: Standard output cannot be written ({error.strerror}).", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _ending_orderly() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: what is half-written is removed on the way out."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: object) -> None:
        if not isinstance(sys.exception(), SystemExit):
            # Lost where C code of a library drops what its callbacks raise (NumPy's, on import): asked again.
            signal.setitimer(signal.ITIMER_REAL, ASKED_AGAIN_S)
            sys.exit(128 + signal.SIGTERM)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def _make_streams_safe() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A terminal without Unicode shows a letter that it lacks as its number, as standard error does.
        sys.stdout.reconfigure(errors="backslashreplace")
    # Started with a standard stream closed (`>&-`), the next file to be opened would take its number, and
    # whatever a library writes to "standard output" would go into a journal.
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
