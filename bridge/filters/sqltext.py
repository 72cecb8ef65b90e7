"""The text side of parsing: sqlglot is called here, bounded, and its complaints become sentences.

Separate from the translation of its tree, which knows the language of filters and nothing of limits,
recursion and positions.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import sqlglot
from sqlglot import exp

from bridge.errors import ExpressionError

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "describe_position", "position", "read_sql", "shorten", "too_deep"]

MAX_LENGTH = 20_000
MAX_DEPTH = 64
FRAMES_FOR_PARSER = 40 * MAX_DEPTH  # sqlglot recurses through up to 30 frames for a level of nesting

_recursion_limit = threading.Lock()


def read_sql(text: str) -> exp.Expression:
    """Let sqlglot read one condition in DuckDB's dialect.

    Parameters
    ----------
    text
        A SQL condition, at most `MAX_LENGTH` characters and about `MAX_DEPTH` levels of nesting.

    Raises
    ------
    ExpressionError
        If it is empty, too long, too deep, or not SQL.
    """
    if not text.strip():
        raise ExpressionError("The expression is empty; write a condition such as candidate.rb >= 0.65.")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"The expression has {len(text)} characters; {MAX_LENGTH} are allowed.")
    with _recursion_limit:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(before + FRAMES_FOR_PARSER)
        try:
            if any(token.token_type.name == "SEMICOLON" for token in sqlglot.tokenize(text, read="duckdb")):
                raise ExpressionError("The expression holds a semicolon; a filter is one condition.")
            tree: Any = sqlglot.parse_one(text, read="duckdb", into=exp.Condition)
        except RecursionError:
            raise too_deep() from None
        except ExpressionError:
            raise
        except sqlglot.errors.ParseError as error:
            raise ExpressionError(_explain(error)) from None
        except Exception as error:  # sqlglot meets some nonsense with errors of its own insides
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise ExpressionError(f"The expression is not valid SQL: {reason}.") from None
        finally:
            sys.setrecursionlimit(before)
    if tree is None:
        raise ExpressionError("The expression holds no condition, only a comment.")
    return tree  # type: ignore[no-any-return]


def _explain(error: sqlglot.errors.ParseError) -> str:
    detail = error.errors[-1] if error.errors else {}
    what = str(detail.get("description") or "it cannot be read").rstrip(".")
    if "<class" in what:  # sqlglot names its own classes where an operand is missing
        what = "Something is missing"
    near = str(detail.get("highlight") or "").strip()
    line, col = detail.get("line"), detail.get("col")
    where = f" at line {line}, column {col}" if line and col else ""
    nearby = f" near {near[:40]!r}" if near else ""
    return f"The expression is not valid SQL{where}{nearby}: {what}."


def too_deep() -> ExpressionError:
    return ExpressionError(f"The expression is nested too deeply; {MAX_DEPTH} levels are allowed.")


def describe_position(text: str, at: int) -> str:
    """' at line 1, column 7', or nothing for an unknown position."""
    if at < 0:
        return ""
    before = text[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
    return f" at column {column}" if "\n" not in text else f" at line {line}, column {column}"


def position(tree: Any) -> int:
    """Where an expression starts in the text, or -1 where sqlglot did not note it."""
    starts: list[int] = []
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if not isinstance(part, exp.Expression):
            continue
        start = part.meta.get("start")
        if isinstance(start, int):
            starts.append(start)
        else:
            waiting += list(part.iter_expressions())
    return min(starts, default=-1)


def shorten(tree: Any) -> str:
    try:
        text = tree.sql(dialect="duckdb") if isinstance(tree, exp.Expression) else str(tree)
    except Exception:  # sqlglot cannot write out all that it reads
        text = type(tree).__name__
    return text if len(text) <= 60 else text[:57] + "..."
