"""Expressions in a process of their own: what they say, and what becomes of those that never end."""

from __future__ import annotations

import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.vtp.filter_process import BESET_NICENESS, NICENESS, Answer, FilterProcess
from bridge.vtp.filter_worker import evaluate
from bridge.vtp.messages import write_transport
from tests.vtp.peers import RawPeer, real_events, serving, synthetic_event, wait_until

IVORN, EVENT = synthetic_event(7)
HEAD = b"<voe:VOEvent xmlns:voe='http://www.ivoa.net/xml/VOEvent/v2.0' version='2.0' role='test' ivorn='ivo://a.b/c#1'>"
LARGE = HEAD + b"<What>" + b"<a/>" * 24_000 + b"</What></voe:VOEvent>"

# Each of them runs for minutes on an event of 99,000 bytes: a search for every node, or a text of all of it.
ENDLESS = (
    "//*[//nope]",
    "//*[../nope]",
    "//*[preceding-sibling::nope]",
    "//*/following-sibling::*",
    "//*[. = //*]",
    "//*[string(/)='x']",
    "//*[sum(//*)]",
)


class Asking:
    """A filter process, and the answers that have come."""

    def __init__(self, budget_s: float = 0.1, beset_niceness: int = NICENESS) -> None:
        self.answers: list[Answer] = []
        self.process = FilterProcess(self.answers.extend, budget_s, beset_niceness)

    def wait(self, count: int) -> dict[tuple[int, str], bool | None]:
        wait_until(lambda: len(self.answers) >= count, f"{count} answers", 60)
        return {(answer.seq, answer.expression): answer.passes for answer in self.answers}


def child_of(asking: Asking) -> int:
    assert asking.process._child is not None
    return asking.process._child.pid


def processor_s(pid: int) -> float:
    """Processor time that a process has taken."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def asking() -> Iterator[Asking]:
    made = Asking()
    yield made
    made.process.close()


def test_it_says_what_an_evaluation_here_would_say(asking: Asking, shared_data: Path) -> None:
    expressions = (
        "//Param[@name='Packet_Type' and @value='112']",
        "count(//Param) > 30",
        "/voe:VOEvent",
        "no()",
        "//Who",
    )
    events = real_events(shared_data, 150)
    for seq, (_, data) in enumerate(events):
        asking.process.ask(seq, data, expressions)
    asking.process.ask(999, b"not XML", ("true()",))
    found = asking.wait(len(events) * len(expressions) + 1)
    assert found.pop((999, "true()")) is False
    assert found == {
        (seq, text): result
        for seq, (_, data) in enumerate(events)
        for text, result in evaluate(expressions, data).items()
    }
    assert asking.process.started == 1


def test_what_ended_a_process_does_not_end_another(asking: Asking) -> None:
    """Thirty events may wait for an expression when it is found to be endless."""
    for seq in range(30):
        asking.process.ask(seq, LARGE, ("//b", ENDLESS[0]))
    found = asking.wait(60)
    assert all(found[seq, ENDLESS[0]] is None and found[seq, "//b"] is False for seq in range(30))
    assert asking.process.started == 2


def test_it_works_beside_more_open_files_than_select_knows(asking: Asking) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2_000:
        pytest.skip("so many files may not be opened here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    files: list[int] = []
    try:
        while not files or files[-1] < 1_100:
            files.append(os.open(os.devnull, os.O_RDONLY))
        asking.process.ask(1, EVENT, ("//Param",))
        assert asking.wait(1) == {(1, "//Param"): True}
    finally:
        for file in files:
            os.close(file)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_expression_that_never_ends_costs_itself_and_nobody_else(asking: Asking) -> None:
    for seq, endless in enumerate(ENDLESS):
        asking.process.ask(seq, LARGE, ("count(//a)", endless, "//b"))
        asking.process.ask(100 + seq, EVENT, ("//Param",))
    found = asking.wait(4 * len(ENDLESS))
    for seq, endless in enumerate(ENDLESS):
        assert found[seq, endless] is None, endless
        assert (found[seq, "count(//a)"], found[seq, "//b"], found[100 + seq, "//Param"]) == (
            True,
            False,
            True,
        )
    assert asking.process.started == len(ENDLESS) + 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process cannot be kept to one core here")
def test_a_proven_expression_gets_the_processor_while_strangers_burn_it() -> None:
    """Both on one core: the one that has not ended yet takes what the other leaves."""
    core = {min(os.sched_getaffinity(0))}
    proven, trial = Asking(60.0), Asking(60.0, BESET_NICENESS)
    try:
        trial.process.ask(1, LARGE, ENDLESS[:1])
        wait_until(lambda: trial.process._child, "the trial's first process", 60)
        os.kill(child_of(trial), signal.SIGKILL)
        assert trial.wait(1) == {(1, ENDLESS[0]): None}
        proven.process.ask(1, EVENT, ("//Param",))
        trial.process.ask(2, EVENT, ("//Param",))
        proven.wait(1)
        trial.wait(2)
        for one in (proven, trial):
            os.sched_setaffinity(child_of(one), core)
        trial.process.ask(3, LARGE, ENDLESS[1:2])
        begun_s = processor_s(child_of(trial))
        wait_until(lambda: processor_s(child_of(trial)) > begun_s + 0.1, "the trial to burn", 60)
        before_s = {one: processor_s(child_of(one)) for one in (proven, trial)}
        for seq in range(2, 32):
            proven.process.ask(seq, LARGE, ("//b | //c | //d",) * 20)
        proven.wait(1 + 30 * 20)
        spent_s = {one: processor_s(child_of(one)) - before_s[one] for one in (proven, trial)}
        assert len(trial.answers) == 2, "it still burns"
    finally:
        if trial.process._child is not None:
            trial.process._child.kill()
        for one in (proven, trial):
            one.process.close()
    assert spent_s[trial] < spent_s[proven] / 2


def test_a_process_that_is_killed_is_replaced(asking: Asking) -> None:
    asking.process.ask(1, EVENT, ("//Param",))
    asking.wait(1)
    child = asking.process._child
    assert child is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    # Who is being tried when it dies is suspected; the next is served by another process.
    asking.process.ask(2, EVENT, ("//Who",))
    asking.process.ask(3, EVENT, ("//Param",))
    assert asking.wait(3)[3, "//Param"] is True


def test_nothing_is_left_running_at_the_end() -> None:
    asking = Asking()
    asking.process.ask(1, EVENT, ("//Param",))
    asking.wait(1)
    child = asking.process._child
    assert child is not None
    asking.process.close()
    assert child.poll() is not None
    asking.process.ask(2, EVENT, ("//Param",))
    assert not [thread for thread in threading.enumerate() if thread.name == "xpath filters"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are looked up in /proc")
def test_a_broker_lets_strangers_burn_only_what_is_left_over(tmp_path: Path) -> None:
    """A process for expressions that have answered before, and one for others, nicer once one has died."""
    with serving(tmp_path, first_window=100) as server:
        tasks = Path(f"/proc/{server.process.pid}/task")
        own = os.getpriority(os.PRIO_PROCESS, 0)

        def niceness() -> list[int]:
            children = " ".join(path.read_text() for path in tasks.glob("*/children")).split()
            return sorted(os.getpriority(os.PRIO_PROCESS, int(child)) - own for child in children)

        def subscriber(filter_: str) -> RawPeer:
            peer = RawPeer(server.port)
            peer.socket.settimeout(60)
            peer.frame()
            peer.send(write_transport("authenticate", "ivo://b", 0, filters=(filter_,)))
            peers.append(peer)
            wait_until(
                lambda: [one["serving"] for one in server.subscribers()] == [True] * len(peers),
                "it is served",
            )
            return peer

        peers: list[RawPeer] = []
        good = subscriber("//What")
        for number, running in enumerate([[NICENESS], [NICENESS, NICENESS]]):
            server.append([synthetic_event(number)])
            good.frame()
            assert niceness() == running, "where it is tried first, and where it runs from then on"
        burning = subscriber(ENDLESS[1])
        server.append([("ivo://a.b/c#1", LARGE)])
        burning.frame()
        late = subscriber("//Who")
        server.append([synthetic_event(2)])
        late.frame()
        assert niceness() == [NICENESS, BESET_NICENESS]
        for peer in peers:
            peer.close()


def test_a_subscriber_with_endless_filters_delays_nobody(tmp_path: Path) -> None:
    """Events reach the one at once, and in the end the other, whose filters are switched off one by one."""
    with serving(tmp_path, first_window=100) as server:
        good, bad = RawPeer(server.port), RawPeer(server.port)
        for peer, filters in ((good, ("//nope", "//What")), (bad, ENDLESS[:3])):
            peer.socket.settimeout(60)
            peer.frame()
            peer.send(write_transport("authenticate", "ivo://b", 0, filters=filters))
        wait_until(
            lambda: [one["serving"] for one in server.subscribers()] == [True, True], "both are served"
        )
        server.append([("ivo://a.b/c#warm", LARGE.replace(b"#1'", b"#warm'"))])
        good.frame()
        delays = []
        for number in range(10):
            began = time.monotonic()
            server.append([(f"ivo://a.b/c#{number}", LARGE.replace(b"#1'", b"#%d'" % number))])
            assert b"#%d'" % number in good.frame()
            delays.append(time.monotonic() - began)
        names = [bad.frame().split(b"ivo://a.b/c#")[1].split(b"'")[0] for _ in range(11)]
        assert names == [b"warm", *(b"%d" % number for number in range(10))]
        good.close()
        bad.close()
    # Endless would be minutes; a good filter waits for a dear one's budget and a new process at most.
    assert sorted(delays)[5] < 5.0
