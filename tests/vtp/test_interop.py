"""Stock clients are the judge: released Comet and pygcn, as processes, against our broadcaster."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.journal import JournalReader
from tests.vtp.peers import Comet, comet, comet_name, pygcn, real_events, serving, synthetic_event, wait_until

pytestmark = pytest.mark.interop

COMET_IVO = "ivo://org.example.observatory/comet"


def journal_bytes(path: Path) -> list[tuple[str, bytes]]:
    with JournalReader.open(path) as reader:
        return [(entry.ivorn, entry.data) for entry in reader.read(0, 10_000, 1 << 30)]


def wait_for_saved(receiver: Comet, count: int, seconds: float = 40.0) -> dict[str, bytes]:
    def complete() -> dict[str, bytes] | None:
        saved = receiver.saved()
        return saved if len(saved) >= count and all(saved.values()) else None

    try:
        return wait_until(complete, f"{count} events saved by Comet", seconds)
    except AssertionError as error:
        error.add_note((receiver.folder.parent / "comet.log").read_text(errors="replace")[-4_000:])
        raise


def test_comet_and_pygcn_get_every_event_byte_for_byte(tmp_path: Path, shared_data: Path) -> None:
    pytest.importorskip("gcn", reason="pygcn is not installed")
    events = real_events(shared_data, 220) + [synthetic_event(n) for n in range(40)]
    with (
        serving(tmp_path) as server,
        comet(tmp_path / "comet", server.port, COMET_IVO) as receiver,
        pygcn(tmp_path / "pygcn", server.port) as packets,
    ):
        wait_until(
            lambda: [peer["serving"] for peer in server.subscribers()] == [True, True],
            "both subscribers are served",
        )
        last = server.append(events[:150])
        last = server.append(events[150:])
        assert last == len(events)
        saved = wait_for_saved(receiver, len(events))
        wait_until(lambda: server.status()["everyone_has_acked"], "all acknowledgements")
        status = server.status()
    published = journal_bytes(server.journal)
    assert published == events
    assert saved == {comet_name(ivorn): data for ivorn, data in published}
    assert [path.read_bytes() for path in sorted(packets.iterdir())] == [data for _, data in published]
    assert {peer["ivo"] for peer in status["subscribers"]} == {COMET_IVO, None}
    assert [peer["acked"] for peer in status["subscribers"]] == [len(events)] * 2
    assert status["dropped"] == 0


def test_comet_that_goes_away_and_returns_gets_exactly_what_it_missed(tmp_path: Path) -> None:
    first, missed, live = ([synthetic_event(f"{part}.{n}") for n in range(20)] for part in ("a", "b", "c"))
    with serving(tmp_path, cursor_interval_s=0.05) as server:
        with comet(tmp_path / "comet", server.port, COMET_IVO) as receiver:
            wait_until(lambda: [peer["ivo"] for peer in server.subscribers()] == [COMET_IVO], "Comet's name")
            server.append(first)
            wait_for_saved(receiver, len(first))
            wait_until(lambda: server.status()["everyone_has_acked"], "all acknowledgements")
        wait_until(lambda: not server.subscribers(), "Comet has gone")
        server.append(missed)
        # A memory of its own would hide events sent twice: the second Comet knows nothing.
        with comet(tmp_path / "comet-again", server.port, COMET_IVO) as receiver:
            wait_for_saved(receiver, len(missed))
            server.append(live)
            saved = wait_for_saved(receiver, len(missed) + len(live))
            wait_until(lambda: server.status()["everyone_has_acked"], "all acknowledgements")
            (peer,) = server.subscribers()
    assert saved == {comet_name(ivorn): data for ivorn, data in missed + live}
    assert peer["sent"] == len(missed) + len(live)


def test_returning_comet_is_served_after_the_broadcaster_was_killed(tmp_path: Path) -> None:
    first, missed = ([synthetic_event(f"{part}.{n}") for n in range(10)] for part in ("a", "b"))
    with serving(tmp_path, cursor_interval_s=0.05) as server:
        with comet(tmp_path / "comet", server.port, COMET_IVO) as receiver:
            wait_until(lambda: [peer["ivo"] for peer in server.subscribers()] == [COMET_IVO], "Comet's name")
            server.append(first)
            wait_for_saved(receiver, len(first))

            def cursor() -> int | None:
                with JournalReader.open(server.journal) as reader:
                    return reader.cursor(COMET_IVO)

            wait_until(lambda: cursor() == len(first), "the cursor is saved")
        server.append(missed)
        server.kill()
    with (
        serving(tmp_path) as server,
        comet(tmp_path / "comet-again", server.port, COMET_IVO) as receiver,
    ):
        saved = wait_for_saved(receiver, len(missed))
        wait_until(lambda: server.status()["everyone_has_acked"], "all acknowledgements")
        (peer,) = server.subscribers()
    assert saved == {comet_name(ivorn): data for ivorn, data in missed}
    assert peer["sent"] == len(missed)


def test_comets_filters_are_honoured(tmp_path: Path) -> None:
    events = [synthetic_event(n) for n in range(30)]
    with (
        serving(tmp_path) as server,
        comet(
            tmp_path / "comet", server.port, COMET_IVO, "//Param[@name='number' and @value > 24]"
        ) as receiver,
    ):
        wait_until(lambda: [peer["ivo"] for peer in server.subscribers()] == [COMET_IVO], "Comet's name")
        server.append(events)
        saved = wait_for_saved(receiver, 5)
        wait_until(lambda: server.status()["everyone_has_acked"], "all acknowledgements")
        (peer,) = server.subscribers()
    assert sorted(saved) == sorted(comet_name(ivorn) for ivorn, _ in events[25:])
    assert (peer["sent"], peer["filtered"]) == (5, 25)


def test_pygcn_acknowledges_an_ivorn_that_breaks_its_own_xml(tmp_path: Path) -> None:
    pytest.importorskip("gcn", reason="pygcn is not installed")
    ivorn, data = synthetic_event("x", stream="ivo://org.example/a")
    awkward = ("ivo://org.example/a?b&c#x", data.replace(ivorn.encode(), b"ivo://org.example/a?b&amp;c#x"))
    with (
        serving(tmp_path, authenticate_grace_s=0.1) as server,
        pygcn(tmp_path / "pygcn", server.port) as packets,
    ):
        wait_until(lambda: [peer["serving"] for peer in server.subscribers()] == [True], "pygcn is served")
        server.append([awkward])
        wait_until(lambda: server.subscribers()[0]["acked"] == 1, "the acknowledgement")
        assert [path.read_bytes() for path in packets.iterdir()] == [awkward[1]]
