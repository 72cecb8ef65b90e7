"""A running feed seen by a person: its pages in Chromium, from the first event to the end of the feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.feed.processes import bridge_command, ready_port, running, wait_for
from tests.web.browser import Browser, a_browser

PACKET = """<?xml version="1.0"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="observation"
 ivorn="ivo://org.example/relay#{number}"><Who><AuthorIVORN>ivo://org.example/author</AuthorIVORN></Who>
<What><Param name="&lt;img src=x onerror=document.title='owned'&gt;"
 value="&lt;script&gt;document.title='owned'"/></What>
<WhereWhen><ObsDataLocation><ObservatoryLocation id="Here"/><ObservationLocation><AstroCoordSystem
 id="UTC-ICRS-TOPO"/><AstroCoords coord_system_id="UTC-ICRS-TOPO"><Position2D unit="deg"><Value2>
<C1>{ra}</C1><C2>12.5</C2></Value2></Position2D></AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
</voe:VOEvent>
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser(mobile=(390, 800)) as browser:
        yield browser


def drop(folder: Path, number: int) -> None:
    half = folder / f".{number}.xml"
    half.write_text(PACKET.format(number=number, ra=15 * number))
    half.rename(folder / f"{number}.xml")


def shows(browser: Browser, words: str) -> Callable[[], bool]:
    """Whether the page has the words, once it has looked again, as it does by itself every few seconds."""

    def looked() -> bool:
        browser.run("document.dispatchEvent(new Event('visibilitychange'))")
        return words in browser.text()

    return looked


@pytest.mark.no_cover
def test_a_person_watches_the_feed_follows_an_event_and_is_told_when_the_feed_is_gone(
    tmp_path: Path, browser: Browser
) -> None:
    inbox, log = tmp_path / "in", tmp_path / "log"
    inbox.mkdir()
    command = bridge_command(
        *("serve", "--from", inbox, "--interface", "127.0.0.1", "--broadcast", 0, "--http", 0),
        *("--journal", tmp_path / "j", "--local-ivo", "ivo://org.example/feed"),
    )
    with running(command, log) as process:
        ready_port(process, log)
        (address,) = re.findall(rb"http://127.0.0.1:\d+", log.read_bytes())
        browser.go(address.decode() + "/")
        assert browser.title == "ivo://org.example/feed"
        assert "All is well." in browser.text("[data-live=health]")
        assert "There are no such events." in browser.text("[data-live=events]")

        # What comes later appears without the page being loaded again, and the keyboard stays where it was.
        browser.run("window.loaded = 'once'")
        for number in (1, 2):
            drop(inbox, number)
        wait_for(shows(browser, "ivo://org.example/relay"), "the events on the page")
        wait_for(lambda: browser.run("return document.querySelectorAll('circle.dot').length") == 2, "the map")
        browser.run("document.querySelector('[data-live=events] a[href^=event]').focus()")
        drop(inbox, 3)
        wait_for(shows(browser, "03:00:00.00 +12:30:00.0"), "the third event")
        assert browser.run("return document.activeElement.getAttribute('href')") == "event?seq=2"
        assert browser.run("return window.loaded") == "once"
        width = "return [document.documentElement.scrollWidth, window.innerWidth]"
        assert len(set(browser.run(width))) == 1, "a phone does not have to be moved sideways"

        # A stranger's words are words.
        browser.click("[data-live=events] a[href='event?seq=1']")
        wait_for(lambda: browser.title == "ivo://org.example/relay#1", "the page of the event")
        assert "<img src=x onerror=document.title='owned'>" in browser.text()
        assert "01:00:00.00 +12:30:00.0" in browser.text()

        # A search, by the form.
        browser.click("nav a[href=events]")
        wait_for(lambda: browser.title == "Events", "the search")
        browser.write("input[name=position]", "02:00:00 +12:30:00\n")
        wait_for(lambda: "position=" in browser.run("return location.search"), "what was found")
        assert browser.run("return [...document.querySelectorAll('tbody tr')].length") == 1
        assert browser.complaints() == [], "nothing was forbidden, missing or broken on the way"

        browser.go(address.decode() + "/")
    wait_for(shows(browser, "The feed has not answered since"), "the page to say that it is old")
    assert browser.title == "NO ANSWER"
    assert "All is well" in browser.text(), "what was known last is still there"
