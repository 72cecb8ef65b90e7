"""A real browser for tests: Chromium, driven through chromedriver by the W3C WebDriver protocol."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

DEADLINE_S = 60
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--disable-dev-shm-usage",
)
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def _programs() -> tuple[str, str]:
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium") or shutil.which("google-chrome")
    if driver is None or browser is None:
        sentence = "no browser is here: install chromium and chromium-driver"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(f"REQUIRE_BROWSER is set, and {sentence}")
        pytest.skip(sentence)
    return driver, browser


class Browser:
    """One window."""

    def __init__(self, port: int, capabilities: dict[str, Any]) -> None:
        self._address = f"http://127.0.0.1:{port}/session"
        started = self._ask("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self._address += f"/{started['sessionId']}"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, method=method)
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return json.loads(answer.read())["value"]

    def close(self) -> None:
        self._ask("DELETE", "")

    def go(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: object) -> Any:
        """What a function body gives."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> str:
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def click(self, selector: str) -> None:
        self._ask("POST", f"/element/{self.find(selector)}/click", {})

    def write(self, selector: str, text: str) -> None:
        self._ask("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def text(self, selector: str = "body") -> str:
        return self._ask("GET", f"/element/{self.find(selector)}/text")

    @property
    def title(self) -> str:
        return self._ask("GET", "/title")

    def complaints(self) -> list[str]:
        """What the browser said of the pages since the last question: errors, and what a policy forbade."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))


@contextmanager
def a_browser(*flags: str, mobile: tuple[int, int] | None = None) -> Iterator[Browser]:
    """A new browser with a profile of its own; skips the test where none is installed.

    Parameters
    ----------
    flags
        More flags of the browser's command line.
    mobile
        Width and height of a phone's screen, in its pixels.
    """
    driver, browser = _programs()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        options: dict[str, Any] = {
            "binary": browser,
            "args": [*FLAGS, f"--user-data-dir={folder}/profile", *flags],
        }
        if mobile is not None:
            metrics = {"width": mobile[0], "height": mobile[1], "pixelRatio": 2.0}
            options["mobileEmulation"] = {"deviceMetrics": metrics}
        capabilities = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        # A port that the driver takes itself cannot be taken by another test in between.
        command = [driver, "--port=0"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            window = None
            try:
                port = next(
                    int(found[1])
                    for line in process.stdout
                    if (found := re.search(r"started successfully on port (\d+)", line))
                )
                window = Browser(port, capabilities)
                yield window
            finally:
                if window is not None:
                    # A browser that has gone already must not keep its driver from being ended.
                    with contextlib.suppress(OSError):
                        window.close()
                process.terminate()
                process.wait(20)
