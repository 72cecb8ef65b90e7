"""XPath expressions over VOEvents as subscribers write them: is it one, and compiled once.

``voe`` stands for the namespace of VOEvent 2.0 (Comet knows no prefixes). What an expression costs cannot be
read from it: a search inside a predicate runs once for every node, and so does the making of a string. So
strangers' expressions run in a process of their own (`bridge.vtp.filter_worker`).
"""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

__all__ = ["VOEVENT_NAMESPACE", "compile_xpath", "xpath_fault"]

VOEVENT_NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"


@lru_cache(maxsize=1024)
def compile_xpath(expression: str) -> etree.XPath:
    """An expression, ready to run on an element; raises `lxml.etree.XPathError` when it is none."""
    return etree.XPath(expression, namespaces={"voe": VOEVENT_NAMESPACE}, regexp=False)


def xpath_fault(expression: str) -> str | None:
    """What is wrong with an expression; None when it is XPath 1.0."""
    try:
        compile_xpath(expression)
    except etree.XPathError as error:
        return f"it is not XPath 1.0 ({error})"
    except ValueError:
        return "it holds characters that XML does not have"
    return None
