"""Subscribers' XPath filters: Comet's rules, and bounds that Comet does not have."""

from __future__ import annotations

import pytest

from bridge.vtp import filters as filters_module
from bridge.vtp.filter_process import Answer
from bridge.vtp.filters import FilterBoard
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
        ("//Param\x00", "characters"),
        ("(" * 1_500, "not XPath 1.0"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(expression: str, reason: str) -> None:
    accepted = FilterBoard().accept([expression])
    assert accepted.expressions == ()
    assert reason in accepted.refused[0][1]


def test_no_more_than_twenty_filters_are_taken() -> None:
    accepted = FilterBoard().accept([f"//Param{n}" for n in range(25)])
    assert len(accepted.expressions) == 20
    assert accepted.refused == (("//Param20", "only 20 filters are taken"),), "said once for all the rest"


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
    monkeypatch.setattr(filters_module, "_KEPT_RESULTS", 100)
    board.passes(("//Param",), 500, EVENT)
    assert sum(map(len, board._results.values())) == board._kept_results <= 100
    assert board.passes(("//Param",), 0, events[0])


class Later:
    """An evaluator that answers when the test says so."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, tuple[str, ...]]] = []

    def ask(self, seq, data, expressions) -> None:
        self.asked.append((seq, tuple(expressions)))


def test_what_is_not_known_yet_is_asked_for_once() -> None:
    later, news = Later(), []
    board = FilterBoard(evaluator=later, news=news.append)
    for _ in range(3):
        assert board.passes(("//A", "//B"), 1, EVENT) is None
        assert board.passes(("//B", "//C"), 1, EVENT) is None
    assert later.asked == [(1, ("//A", "//B")), (1, ("//C",))]
    board.answered([Answer(1, "//B", passes=True, seconds=0.0)])
    assert board.passes(("//A", "//B"), 1, EVENT) is True
    assert board.passes(("//A",), 1, EVENT) is None
    board.answered([Answer(1, "//A", passes=False, seconds=0.0)])
    assert board.passes(("//A",), 1, EVENT) is False
    assert news == [{1}, {1}]


def test_expressions_that_have_answered_do_not_wait_for_those_that_never_have() -> None:
    later, trial = Later(), Later()
    board = FilterBoard(evaluator=later, trial=trial)
    assert board.passes(("//A",), 1, EVENT) is None
    assert (later.asked, trial.asked) == ([], [(1, ("//A",))])
    board.answered([Answer(1, "//A", passes=False, seconds=0.0)])
    assert board.passes(("//A", "//New"), 2, EVENT) is None
    assert (later.asked, trial.asked[1:]) == ([(2, ("//A",))], [(2, ("//New",))])


def test_thousands_of_new_expressions_do_not_send_one_in_use_among_the_untried() -> None:
    later, trial = Later(), Later()
    board = FilterBoard(evaluator=later, trial=trial)
    for number in range(60_000):
        board.answered([Answer(number, f"//New{number}", passes=False, seconds=0.0)])
        if number % 10_000 == 0:
            board.answered([Answer(number, "//Used", passes=False, seconds=0.0)])
    assert board.passes(("//Used", "//New1"), 60_001, EVENT) is None
    assert later.asked == [(60_001, ("//Used",))]
    assert trial.asked == [(60_001, ("//New1",))], "forgotten, and tried anew"


def test_an_expression_that_takes_too_long_is_switched_off_and_not_taken_again() -> None:
    board = FilterBoard(evaluator=Later())
    assert board.passes(("//A",), 1, EVENT) is None
    board.answered([Answer(1, "//A", passes=None, seconds=0.1)])
    assert board.passes(("//A",), 1, EVENT) is True, "as if its syntax were bad, and it is alone"
    assert board.accept(["//A"]).refused == (("//A", "it has taken too long before"),)


def test_an_expression_that_is_dear_every_time_is_switched_off_in_the_end() -> None:
    board = FilterBoard(evaluator=Later())
    for seq in range(30):
        board.answered([Answer(seq, "//Dear", passes=False, seconds=0.09)])
    board.answered([Answer(seq, "//Cheap", passes=False, seconds=0.0001) for seq in range(30_000)])
    assert list(board.switched_off) == ["//Dear"]


def test_an_event_that_is_no_xml_passes_no_filter() -> None:
    assert not FilterBoard().passes(("true()",), 1, b"not XML")


def test_real_events_are_sorted_by_their_packet_type(shared_data) -> None:
    board = FilterBoard()
    expression = board.accept(["//Param[@name='Packet_Type' and @value='112']"]).expressions
    events = real_events(shared_data, 300)
    for seq, (_, data) in enumerate(events):
        assert board.passes(expression, seq, data) is (b'name="Packet_Type" value="112"' in data)
