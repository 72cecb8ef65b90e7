"""LIKE against a plain regular expression, and against patterns made to be slow."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ExpressionError
from bridge.filters.like import compile_like


@given(st.text("ab%_.\n", max_size=8), st.text("ab%_.\n", max_size=12))
def test_match_is_that_of_a_regular_expression(pattern: str, text: str) -> None:
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(char, re.escape(char)) for char in pattern)
    assert compile_like(pattern)(text) is (re.fullmatch(expression, text, re.DOTALL) is not None)


def test_pattern_made_to_backtrack_is_quick() -> None:
    matcher = compile_like("%a_" * 300 + "%b")
    text = "a" * 20_000
    before = time.process_time()
    assert matcher(text) is False
    assert matcher(text + "b") is True
    assert time.process_time() - before < 1


def test_escape_takes_the_meaning_away() -> None:
    assert compile_like("100!%", "!")("100%")
    assert not compile_like("100!%", "!")("1000")
    assert compile_like("a!!b!_", "!")("a!b_")
    with pytest.raises(ExpressionError, match="ends with its escape character"):
        compile_like("a!", "!")
    with pytest.raises(ExpressionError, match="ESCAPE takes one character"):
        compile_like("a", "!!")


def test_case_matters_to_like_and_not_to_ilike() -> None:
    assert not compile_like("ztf%")("ZTF18")
    assert compile_like("ztf%", ignore_case=True)("ZTF18")
    assert compile_like("%", ignore_case=True)(None) is None
