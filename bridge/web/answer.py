"""What the HTTP port answers to one request, and the headers that keep a browser from doing harm with it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

__all__ = ["HTML", "PLAIN", "Answer", "html_answer", "text_answer"]

PLAIN = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"

# Nothing but the page's own files is loaded, run or framed, whatever a stranger has got into a page.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_EFFORT = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Parameters
    ----------
    code
        HTTP's status.
    kind
        Content type.
    body
        The bytes.
    packed
        The same in gzip, for browsers that take it.
    headers
        More headers, by name.
    """

    code: int
    kind: str
    body: bytes = field(repr=False)
    packed: bytes | None = field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = ()


def html_answer(body: bytes, code: int = 200) -> Answer:
    """A page for people; packed here, once for all who get it."""
    policy = (("content-security-policy", _POLICY), ("referrer-policy", "no-referrer"))
    return Answer(code, HTML, body, gzip.compress(body, _EFFORT, mtime=0), policy)


def text_answer(text: str, code: int) -> Answer:
    """Plain words."""
    return Answer(code, PLAIN, text.encode())
