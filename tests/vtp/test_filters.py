"""Subscribers' XPath filters: Comet's rules, and bounds that Comet does not have."""

from __future__ import annotations

import pytest

from bridge.vtp import filters as filters_module
from bridge.vtp.filters import FilterBoard, refusal_of
from tests.vtp.peers import real_events, synthetic_event

IVORN, EVENT = synthetic_event(7)


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ("//Param[@name='number']", True),
        ("//Param[@name='other']", False),
        ("//Param[@name='number' and @value > 6]", True),
        ("count(//Param) - 1", False),
        ("string(//Param/@value)", True),
        ("string(//Param/@nothing)", False),
        ("/voe:VOEvent[@role='test']", True),
        ("/other:VOEvent", False),
        ("nothing()", False),
        ("/*[local-name()='VOEvent' and @role='observation']", False),
    ],
)
def test_a_filter_passes_what_is_not_empty_and_not_zero(expression: str, passes: bool) -> None:
    board = FilterBoard()
    accepted = board.accept([expression])
    assert accepted.expressions == (expression,)
    assert board.passes(accepted.expressions, 1, EVENT) is passes


def test_filters_are_alternatives() -> None:
    board = FilterBoard()
    assert board.passes(("//Nothing", "//Param"), 1, EVENT)
    assert not board.passes(("//Nothing", "//None"), 1, EVENT)


def test_bad_syntax_is_skipped_and_alone_lets_everything_pass() -> None:
    accepted = FilterBoard().accept(["//Param[", "//Nothing"])
    assert accepted.expressions == ("//Nothing",)
    assert "not XPath 1.0" in accepted.refused[0][1]
    alone = FilterBoard().accept(["//Param["])
    assert FilterBoard().passes(alone.expressions, 1, EVENT)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("//Param" + " " * 2_000, "longer than 2000"),
        ("//*[count(//*[count(//*) > 1]) > 1]", "more than once inside"),
        ("//*[descendant::*[following-sibling::*]]", "more than once inside"),
        ("//TD/following::TD", "axis 'following'"),
        ("count(//*[../*[../*[../*]]])", "more than once inside"),
        ("//*[/V/T/TR[/V/T/TR]]", "more than once inside"),
        ("//*[2 */V/T/TR + 3*/V]", "more than once inside"),
        ("//*[@a = /V and /V/T]", "more than once inside"),
        ("//*" * 9, "more than 8 times"),
        ("/a[b[c[d[e[f]]]]]", "nest deeper"),
        ("//Param\x00", "characters"),
    ],
)
def test_expressions_without_a_bound_on_their_cost_are_refused(expression: str, reason: str) -> None:
    assert reason in str(refusal_of(expression))


def test_what_looks_like_a_search_inside_quotes_is_text() -> None:
    assert refusal_of("//Reference[@uri='http://a//b//c[[[[[' or @uri=\"ivo://x//y\"]") is None


@pytest.mark.parametrize(
    "expression",
    [
        "//Param[@name='SC_Lat' and @value > 600]",
        "//Who/Author[shortName='VO-GCN']",
        "//*/*[*/@a]/*",
        "//Inference[@probability * 2 > 1][Concept/text() = 'a']",
        "count(//Param) > 3 and not(//Citations) and /*[local-name()='VOEvent']",
        "//Param[ancestor::Group/@name = 'x']",
    ],
)
def test_what_people_write_is_accepted(expression: str) -> None:
    assert refusal_of(expression) is None


def test_the_dearest_accepted_expressions_are_bounded_on_the_longest_event() -> None:
    rows = "".join(f"<TR>{'<TD>1.234</TD>' * 6}</TR>" for _ in range(500))
    params = "".join(f'<Param name="p{n}" value="1"/>' for n in range(1000))
    for body in (f"<Table><Data>{rows}</Data></Table>", params):
        data = f"<V>{body}</V>".encode()
        for expression in (
            "//*[count(//*) < 0]",
            "//*" * 8 + "/nothing",
            "//*[count(../*[*]) < 0]",
            "//*//..//*//..//x",
        ):
            assert refusal_of(expression) is None
            board = FilterBoard(slow_s=5.0)
            assert not board.passes((expression,), 1, data)
            assert not board.switched_off, expression


def test_no_more_than_twenty_filters_are_taken() -> None:
    accepted = FilterBoard().accept([f"//Param{n}" for n in range(25)])
    assert (len(accepted.expressions), len(accepted.refused)) == (20, 5)


def test_an_expression_runs_once_per_event_for_all_subscribers() -> None:
    board = FilterBoard()
    for _ in range(50):
        board.passes(("//Nothing", "//Param"), 1, EVENT)
    assert board.evaluations == 2
    board.passes(("//Param",), 2, EVENT)
    assert board.evaluations == 3


def test_subscribers_far_from_each_other_share_results_and_memory_is_bounded(monkeypatch) -> None:
    board = FilterBoard()
    events = [synthetic_event(number)[1] for number in range(500)]
    for expression in ("//Param", "//Param", "//Nothing", "//Param"):
        for seq, data in enumerate(events):
            assert board.passes((expression,), seq, data) is (expression == "//Param")
    assert board.evaluations == 1_000
    assert len(board._trees) == 64
    monkeypatch.setattr(filters_module, "_KEPT_RESULTS", 100)
    board.passes(("//Param",), 500, EVENT)
    assert sum(map(len, board._results.values())) == board._kept_results <= 100
    assert board.passes(("//Param",), 0, events[0])


def test_an_expression_that_takes_too_long_is_switched_off() -> None:
    ticks = iter([0.0, 9.0])
    board = FilterBoard(stopwatch=lambda: next(ticks))
    assert not board.passes(("//Nothing",), 1, EVENT)
    assert board.passes(("//Nothing",), 2, EVENT)


def test_an_event_that_is_no_xml_passes_no_filter() -> None:
    assert not FilterBoard().passes(("true()",), 1, b"not XML")


def test_real_events_are_sorted_by_their_packet_type(shared_data) -> None:
    board = FilterBoard()
    expression = board.accept(["//Param[@name='Packet_Type' and @value='112']"]).expressions
    events = real_events(shared_data, 300)
    for seq, (_, data) in enumerate(events):
        assert board.passes(expression, seq, data) is (b'name="Packet_Type" value="112"' in data)
