"""A headless Chromium driven over its own pipe (Chrome DevTools Protocol), without any package."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe"),
)
_AS_A_SCRIPT = {"returnByValue": True, "awaitPromise": True, "allowUnsafeEvalBlockedByCSP": False}
_STEP_S = 0.05


def find_chromium() -> str:
    """The browser's program; the test is skipped where there is none."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium or Chrome is installed")
    return found


class Page:
    """A page in the browser."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self.log: list[str] = []
        """What the console and the browser said: errors and breaches of the security policy among it."""
        self.requests: list[str] = []
        """Addresses that the page asked for."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **parameters: object) -> dict[str, Any]:
        """What the browser answers to a command of the protocol."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            told = self._receive()
            if told.get("id") == self._number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self._note(told)

    def open(self, path: Path) -> Self:
        """Open a file as a person would, by its ``file://`` address."""
        self.command("Page.navigate", url=path.resolve().as_uri())
        self.until("document.readyState === 'complete'")
        return self

    def look(self, *, width: int = 1100, height: int = 900, dark: bool = False) -> Self:
        """On a screen of so many pixels, a phone's below 600, in light or dark."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        return self

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        result = self.command("Runtime.evaluate", expression=expression, **_AS_A_SCRIPT)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression: str, *, within_s: float = 60.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + within_s
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression} is not true after {within_s} s; {self.log}"
            time.sleep(_STEP_S)

    def choose(self, selector: str, *paths: Path) -> None:
        """Choose files in a file input."""
        root = self.command("DOM.getDocument")["root"]["nodeId"]
        node = self.command("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.command("DOM.setFileInputFiles", nodeId=node, files=[str(path) for path in paths])

    def picture(self, path: Path) -> None:
        """The whole page as a PNG."""
        size = self.command("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.command("Page.captureScreenshot", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            block = os.read(self._from, 1 << 20)
            assert block, "the browser has gone"
            self._rest += block
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _note(self, told: dict[str, Any]) -> None:
        parameters = told.get("params", {})
        if told.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif told.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.log.append(json.dumps(parameters)[:500])


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A browser with a profile of its own in a folder."""
    program = find_chromium()
    pipes = (*os.pipe(), *os.pipe())
    # Beyond the numbers that they become in the browser: it reads commands from 3 and answers to 4.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pipes]
    read_commands, send_commands, read_answers, send_answers = ends
    for end in pipes:
        os.close(end)
    quiet = os.open(os.devnull, os.O_RDWR)
    actions = [(read_commands, 3), (send_answers, 4), (quiet, 0), (quiet, 1), (quiet, 2)]
    process = os.posix_spawn(
        program,
        [program, *_OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        {**os.environ, "TZ": "UTC"},
        file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for ours, theirs in actions],
        setsid=True,
    )
    for end in (read_commands, send_answers, quiet):
        os.close(end)
    try:
        yield Page(send_commands, read_answers)
    finally:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(send_commands)
        os.close(read_answers)
