"""Markdown as the benchmarks write it, to HTML: headings, tables, lists, paragraphs, code, bold, figures.

It knows what our own reports use and no more, so a page needs no Markdown library.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping

__all__ = ["data_url", "table_html", "to_html"]

_INLINE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
)
_FIGURE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)$")


def to_html(text: str, figures: Mapping[str, bytes]) -> str:
    """HTML of a page.

    Parameters
    ----------
    text
        The page in Markdown. Its headings come out one step lower.
    figures
        SVG files by the path that the page names them with; they go into the HTML.
    """
    return "\n".join(_blocks(text, figures))


def table_html(lines: list[str]) -> str:
    """A Markdown table; columns ruled ``--:`` are set to the right."""
    head, rule, *rows = ([cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines)
    align = [' class="number"' if cell.endswith(":") else "" for cell in rule]

    def row(cells: list[str], tag: str) -> str:
        made = (f"<{tag}{how}>{_inline(cell)}</{tag}>" for cell, how in zip(cells, align, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    body = "\n".join(row(cells, "td") for cells in rows)
    return f'<div class="wide"><table><thead>{row(head, "th")}</thead><tbody>\n{body}\n</tbody></table></div>'


def data_url(svg: bytes) -> str:
    """An SVG file as an address that holds it."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}"


def _blocks(text: str, figures: Mapping[str, bytes]) -> Iterator[str]:
    for block in re.split(r"\n{2,}", text.strip()):
        lines = block.split("\n")
        figure = _FIGURE.match(block)
        heading = re.match(r"(#+) (.*)$", block)
        if heading:
            level = min(len(heading[1]) + 1, 6)
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
        elif figure and figure[2] in figures:
            yield f'<img alt="{html.escape(figure[1])}" src="{data_url(figures[figure[2]])}">'
        elif lines[0].startswith("|"):
            yield table_html(lines)
        elif lines[0].startswith("* "):
            items = "".join(f"<li>{_inline(line.removeprefix('* '))}</li>" for line in lines)
            yield f"<ul>{items}</ul>"
        else:
            yield f"<p>{_inline(' '.join(lines))}</p>"


def _inline(text: str) -> str:
    made = html.escape(text, quote=False)
    for pattern, replacement in _INLINE:
        made = pattern.sub(replacement, made)
    return made
