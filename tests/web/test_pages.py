"""The pages for people, as a browser reads them: what they say and link, and strangers' words in them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import SourceError
from bridge.journal import Journal, JournalReader, NewEntry
from bridge.vtp.status import UpstreamStatus
from bridge.web import FeedStatus
from bridge.web.desk import LONGEST_S
from bridge.web.front import FRESH_S
from bridge.web.page_feed import MOST_SUBSCRIBERS
from tests.web.pages import Asked, asked, entry, read_page
from tests.web.states import NOW, RECEIVER, UPSTREAMS, state, subscriber

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
EVIL_XML = EVIL.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def packet(number: int, more: str = "", what: str = "") -> bytes:
    return (
        '<?xml version="1.0"?>\n<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" '
        f'role="observation" ivorn="ivo://org.example/feed#{number}">'
        "<Who><AuthorIVORN>ivo://org.example/feed</AuthorIVORN><Date>2026-04-01T00:00:00</Date></Who>"
        f"<What>{what}</What>{more}</voe:VOEvent>\n"
    ).encode()


def many(count: int) -> list[NewEntry]:
    return [
        entry(
            f"ivo://org.example/{'ab'[n % 2]}#{n}", packet(n), "observation", ra_deg=n % 360.0, dec_deg=10.0
        )
        for n in range(1, count + 1)
    ]


def test_the_first_page_tells_how_the_feed_is_and_what_came_last(tmp_path: Path) -> None:
    now = state(subscriber("ivo://org.example/comet", lag=1234), subscriber(None))
    with asked(tmp_path, *many(60), status=lambda: now) as feed:
        page = feed.page("/")
    for words in (
        "ivo://org.example/feed", "All is well.", "2 subscribers, the slowest 1,234 behind", "kafka://broker/ztf",
        "5 s ago", "1,234 messages", "1,000, 12.5 a second", "Bad packets 10", "They are in dead",
        "feed.journal", "1.0 TB",
        "ivo://org.example/comet 192.0.2.7:4000", "anonymous", "40.0 kB", "2023-11-14 22:12:20 (60 s ago)",
        "00:04:00.00 +10:00:00.0",
    ):  # fmt: skip
        assert words in page.text, words
    events = [link for link in page.links if link.startswith("event?")]
    assert events[-50:] == [f"event?seq={n}" for n in range(60, 10, -1)], "the newest 50 in the table"
    assert len(events) == 60 + 50, "all of them on the map"
    assert "events?stream=ivo%3A%2F%2Forg.example%2Fa" in page.links
    assert "Authors" not in page.text
    assert ("meta", {"http-equiv": "refresh", "content": "10"}) in page.elements, (
        "for browsers without scripts"
    )


def test_what_is_wrong_is_told_first_and_in_the_title(tmp_path: Path) -> None:
    ill = state(healthy=False, problems=("The disk is full.",), receiver=RECEIVER, upstreams=UPSTREAMS)
    with asked(tmp_path, status=lambda: ill) as feed:
        page = feed.page("/")
        body = feed.get("/")[2].decode()
    assert "<title>NOT WELL: ivo://org.example/feed</title>" in body
    assert "Not well. The disk is full." in page.text
    assert "All is well" not in page.text
    assert "1 connected, 3 so far; 5 events accepted, 2 refused." in page.text
    assert "vtp://up:8099 not connected: refused 7 s ago" in page.text
    assert "There are no such events." in page.text


def test_a_thousand_subscribers_do_not_make_a_page_without_end(tmp_path: Path) -> None:
    crowd = state(*(subscriber(f"ivo://s/{n}", lag=n) for n in range(1000)))
    with asked(tmp_path, status=lambda: crowd) as feed:
        page = feed.page("/")
    assert sum(word.startswith("ivo://s/") for word in page.words) == MOST_SUBSCRIBERS
    assert "ivo://s/999" in page.text
    assert "And 900 more" in page.text


def test_many_who_look_share_one_page_and_a_later_look_gets_a_new_one(tmp_path: Path) -> None:
    taken: list[FeedStatus] = []

    def status() -> FeedStatus:
        taken.append(state())
        return taken[-1]

    with asked(tmp_path, status=status) as feed:
        for _ in range(20):
            feed.page("/")
        assert len(taken) == 1
        feed.clock.advance(FRESH_S)
        feed.page("/")
        assert len(taken) == 2


def test_a_page_goes_out_packed_where_the_browser_takes_it(tmp_path: Path) -> None:
    with asked(tmp_path, *many(50)) as feed:
        _, plain_headers, plain = feed.get("/")
        _, headers, body = feed.get("/", headers="Accept-Encoding: br, gzip\r\n")
    assert headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain_headers
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 4


def test_the_style_and_the_script_are_the_feeds_own(tmp_path: Path) -> None:
    with asked(tmp_path) as feed:
        needed = {a["href"] for t, a in feed.page("/").elements if t == "link"} | {"live.js"}
        for name in needed:
            code, headers, body = feed.get(f"/{name}")
            assert (code, headers["x-content-type-options"]) == (200, "nosniff")
            assert b"//" not in body.replace(b"http://www.w3.org/2000/svg", b"").replace(b"// ", b""), name
    assert needed == {"style.css", "icon.svg", "live.js"}


def test_events_are_searched_and_paged_to_the_oldest(tmp_path: Path) -> None:
    with asked(tmp_path, *many(120)) as feed:
        seen: list[str] = []
        path = "/events?role=observation"
        for _ in range(10):
            page = feed.page(path)
            seen += [link for link in page.links if link.startswith("event?")]
            older = [link for link in page.links if "before=" in link]
            if not older:
                break
            assert "role=observation" in older[0]
            path = f"/{older[0]}"
        assert seen == [f"event?seq={n}" for n in range(120, 0, -1)]
        assert "events?role=observation" in page.links, "the way back to the newest"

        def found(query: str) -> list[str]:
            return [link[10:] for link in feed.page(f"/events?{query}").links if link.startswith("event?")]

        assert found("ivorn=B%2311") == ["119", "117", "115", "113", "111", "11"]
        assert found("stream=ivo://org.example/a&position=30+10&radius=1.5") == ["30"]
        assert found("position=00:00:00+%2B10:00:00&radius=2.5") == ["2", "1"]
        assert found("since=30s") == []
        assert len(found("since=2h")) == 50
        assert found("role=test") == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("position=here", "is no position"),
        ("since=soon", "Since is 'soon'"),
        ("role=%3Cb%3E", "no role '<b>'"),
    ],
)
def test_a_form_that_cannot_be_understood_comes_back_with_a_sentence(
    tmp_path: Path, query: str, sentence: str
) -> None:
    with asked(tmp_path, *many(3)) as feed:
        page = feed.page(f"/events?{query}&ivorn=ZTF", 400)
    assert sentence in page.text
    assert ("ivorn", "ZTF") in {(a.get("name"), a.get("value")) for t, a in page.elements if t == "input"}


def test_a_search_that_takes_too_long_is_broken_off_and_says_what_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10**9))
    real = JournalReader.at_most
    monkeypatch.setattr(
        JournalReader, "at_most", lambda self, seconds: real(self, seconds, clock=lambda: float(next(ticks)))
    )
    monkeypatch.setattr("bridge.journal.view._INSTRUCTIONS", 100)
    with asked(tmp_path, *many(2000)) as feed:
        page = feed.page("/events?ivorn=nowhere", 503)
    assert "took too long and was broken off. Ask for less" in page.text
    assert LONGEST_S < 10


REPORTED = """
<Param name="mag" value="18.4" unit="mag" ucd="phot.mag"><Description>PSF magnitude</Description></Param>
<Group name="shape"><Param name="fwhm" value="2.1" unit="arcsec"/></Group>
<Table name="light_curve"><Field name="mjd" ucd="time.epoch" unit="d"/>
<Field name="magpsf" ucd="phot.mag" unit="mag"/><Field name="band"/>
<Data><TR><TD>60000.1</TD><TD>18.4</TD><TD>g</TD></TR>
<TR><TD>60001.1</TD><TD>18.6</TD><TD>r</TD></TR></Data></Table>
<Reference uri="https://example.org/a?b=1"/>"""


def test_an_event_has_a_page_with_its_values_its_light_curve_and_its_exact_bytes(tmp_path: Path) -> None:
    cites = '<Citations><EventIVORN cite="followup">ivo://other/stream#9</EventIVORN></Citations>'
    data = packet(7, cites, REPORTED)
    known = entry(
        "ivo://org.example/feed#7", data, "observation", object_key="ZTF26x", ra_deg=10.0, dec_deg=-5.0
    )
    with asked(tmp_path, known) as feed:
        page = feed.page("/event?seq=1")
        code, headers, body = feed.get("/event.xml?seq=1")
    assert (code, body) == (200, data)
    assert headers["content-type"] == "application/xml"
    assert headers["content-disposition"] == 'attachment; filename="event-1.xml"'
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    for words in (
        "ivo://org.example/feed#7", "00:40:00.00 -05:00:00.0", "relayed as it came",
        "mag 18.4 mag phot.mag PSF magnitude", "What: shape", "fwhm 2.1 arcsec", "light_curve (2 rows)",
        '<Param name="mag" value="18.4"',
    ):  # fmt: skip
        assert words in page.text, words
    assert {attributes.get("class") for tag, attributes in page.elements if tag == "svg"} == {"curve"}
    for link in (
        "events?stream=ivo%3A%2F%2Forg.example%2Ffeed", "events?about=ZTF26x", "https://example.org/a?b=1",
        "events?ivorn=ivo%3A%2F%2Fother%2Fstream%239", "event.xml?seq=1",
    ):  # fmt: skip
        assert link in page.links, link


def test_events_that_are_not_there_are_missing_in_plain_words(tmp_path: Path) -> None:
    with asked(tmp_path, *many(2)) as feed:
        for path in ("/event?seq=3", "/event", "/event?seq=x", "/event.xml?seq=3", "/event.xml"):
            assert "There is no" in feed.page(path, 404).text


def test_an_event_whose_packet_is_gone_says_what_is_still_known(tmp_path: Path) -> None:
    with asked(tmp_path, *many(3)) as feed:
        with Journal.open(tmp_path / "feed.journal") as journal:
            assert journal.prune(NOW).events == 3
        assert "removed by retention" in feed.page("/event?seq=1").text
        assert feed.get("/event.xml?seq=1")[0] == 404
        assert "removed" in feed.page("/events?ivorn=ivo://org.example/b%231").text


def test_editions_of_one_identifier_are_told_of_on_each_other_s_page(tmp_path: Path) -> None:
    editions = [
        entry("ivo://org.example/feed#7", packet(7, what=f"<Description>{n}</Description>")) for n in "ab"
    ]
    with asked(tmp_path, *editions) as feed:
        assert {"event?seq=1", "event?seq=2"} <= set(feed.page("/event?seq=1").links)


@pytest.mark.parametrize("data", [b"garbage", b"<html/>", b"<VOEvent", b"\xff\xfe<\x00", b"x" * 510_000])
def test_a_packet_that_is_none_is_shown_as_it_is(tmp_path: Path, data: bytes) -> None:
    with asked(tmp_path, entry("ivo://a/b#1", data)) as feed:
        page = feed.page("/event?seq=1")
        assert feed.get("/event.xml?seq=1")[2] == data
    assert "cannot be read" in page.text or "is not shown here" in page.text
    assert len(page.text) < 1_000_000


HOSTILE = f"""<Description>{EVIL_XML}</Description>
<Param name="{EVIL_XML}" value="{EVIL_XML}" unit="{EVIL_XML}" ucd="{EVIL_XML}">
<Description>{EVIL_XML}</Description></Param>
<Param name="long" value="{"&lt;" * 5000}"/><Param name="url" value="javascript:alert(3)"/>
<Param name="odd" value="http://x/&quot;onmouseover=alert(4)//"/>
<Group name="{EVIL_XML}"><Param name="a" value="1"/></Group>
<Table name="{EVIL_XML}"><Description>{EVIL_XML}</Description><Field name="mjd" ucd="time.epoch"/>
<Field name="flux {EVIL_XML}" ucd="phot.flux" unit="{EVIL_XML}"/><Field name="band"/>
<Data><TR><TD>60000</TD><TD>1</TD><TD>{EVIL_XML}</TD></TR></Data></Table>
<Reference uri="javascript:alert(5)"/><Reference uri="data:text/html,&lt;script&gt;"/>"""


def test_nothing_that_strangers_write_becomes_more_than_text(tmp_path: Path) -> None:
    more = (
        f'<Why importance="1"><Concept>{EVIL_XML}</Concept><Name>{EVIL_XML}</Name></Why>'
        f'<Citations><EventIVORN cite="{EVIL_XML}">{EVIL_XML}</EventIVORN></Citations>'
    )
    event = entry(
        f"ivo://{EVIL}#{EVIL}", packet(1, more, HOSTILE), EVIL, object_key=EVIL, ra_deg=1.0, dec_deg=2.0,
        observed_at=EVIL,
    )  # fmt: skip
    upstream = UpstreamStatus(EVIL, False, EVIL, EVIL, 1, 1, 1, 1, 1, None)
    ill = state(
        subscriber(EVIL, filters=(EVIL,), address=EVIL), healthy=False, problems=(EVIL,), local_ivo=EVIL,
        upstreams=(upstream,),
    )  # fmt: skip
    with asked(tmp_path, event, status=lambda: ill) as feed:
        for path in ("/", "/events", "/event?seq=1"):
            page = feed.page(path)
            assert "<script>alert(1)</script>" in page.text, f"{path} shows it as text"
        assert not [link for link in page.links if "alert(3)" in link or "alert(5)" in link]
        query = "%3Cscript%3Ealert(1)%3C/script%3E%22%27%3E%3Cimg%20src=x%3E"
        for name in ("ivorn", "stream", "about"):
            feed.page(f"/events?{name}={query}")
        for name in ("role", "since", "until", "position", "radius", "before"):
            feed.page(f"/events?position=1+2&{name}={query}", 400)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    with asked(tmp_path_factory.mktemp("any"), entry("ivo://a/b#1", packet(1))) as feed:
        yield feed


@settings(max_examples=50, deadline=None)
@given(
    query=st.binary(max_size=40),
    path=st.sampled_from(["events?", "event?seq=", "event.xml?", "events?ivorn=", "events?position="]),
)
def test_any_question_has_an_answer(feed: Asked, path: str, query: bytes) -> None:
    plain = b"&=abivorncole0123456789"
    written = "".join(chr(byte) if byte in plain else f"%{byte:02x}" for byte in query)
    code, headers, body = feed.get(f"/{path}{written}")
    assert code in (200, 400, 404)
    if headers["content-type"].startswith("text/html"):
        read_page(body)


@pytest.mark.parametrize(
    "what",
    ['<Group name="g"><Param name="a"/></Group>' * 10_000, "<Param/>" * 40_000, "<Table/>" * 40_000,
     "<Table><Data>" + "<TR><TD>1</TD></TR>" * 20_000 + "</Data></Table>", "<Reference uri='x'/>" * 20_000],
)  # fmt: skip
def test_a_packet_with_parts_without_end_has_a_page_with_an_end(tmp_path: Path, what: str) -> None:
    with asked(tmp_path, entry("ivo://a/b#1", packet(1, what=what))) as feed:
        page = feed.page("/event?seq=1")
    assert len(page.elements) < 10_000
    assert " more" in page.text


def test_a_journal_that_cannot_be_read_is_told_in_its_sentence_to_all_who_wait(tmp_path: Path) -> None:
    with asked(tmp_path) as feed:
        (tmp_path / "feed.journal").unlink()
        code, _, body = feed.get("/")
        assert (code, b"There is no journal" in body) == (503, True)
        assert feed.get("/events")[0] == 503


def test_a_bug_in_a_page_is_not_shown_to_strangers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broken = replace(state(), source=None)  # type: ignore[arg-type]
    with asked(tmp_path, status=lambda: broken) as feed:
        code, _, body = feed.get("/")
        assert (code, body) == (500, b"This cannot be shown; the log of the feed says why.\n")
        assert "NoneType" in caplog.text
        assert feed.get("/events")[0] == 200


def test_a_status_that_cannot_be_taken_does_not_keep_later_pages_away(tmp_path: Path) -> None:
    states = [None, state()]

    def status() -> FeedStatus:
        now = states.pop(0)
        if now is None:
            raise SourceError("The journal is locked.")
        return now

    with asked(tmp_path, status=status) as feed:
        assert feed.get("/")[::2] == (503, b"The journal is locked.\n")
        feed.page("/")
