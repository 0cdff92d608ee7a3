"""Headless Chromium, spoken to through a pipe, and the pages that it shows."""

import json
import os
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Chromium reads from the descriptor 3 and writes to 4; ours are moved out of the way first, where they are these.
STARTED = """
import os, sys
for from_, to in ((int(sys.argv[1]), 100), (int(sys.argv[2]), 101), (100, 3), (101, 4)):
    os.dup2(from_, to)
os.execv(sys.argv[3], sys.argv[3:])
"""
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe")


class Browser:
    """One page of Chromium, by the DevTools protocol. ``said`` has what its console said of the page that is shown."""

    def __init__(self, profile):
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        own = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", STARTED, str(commands), str(answers), *own],
            pass_fds=(commands, answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._left, self._numbers, self._session, self._is_loaded, self.said = b"", count(1), {}, False, []
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self._ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def show(self, path: Path, width: int, scheme: str) -> None:
        """Show a page in a window of ``width`` and in the scheme ``light`` or ``dark``."""
        self.said, self._is_loaded = [], False
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 700}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._ask("Page.navigate", url=path.resolve().as_uri())
        while not self._is_loaded:
            self._message()

    def run(self, script):
        """Return the value of a script in the page."""
        found = self._ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def close(self):
        os.close(self._write)
        self._process.terminate()
        self._process.wait(10)
        os.close(self._read)

    def _ask(self, method, **parameters):
        number = next(self._numbers)
        text = json.dumps({"id": number, "method": method, "params": parameters, **self._session})
        os.write(self._write, text.encode() + b"\0")
        while (found := self._message()).get("id") != number:
            pass
        assert "error" not in found, found
        return found["result"]

    def _message(self):
        while b"\0" not in self._left:
            piece = os.read(self._read, 1 << 16)
            assert piece, "chromium ended"
            self._left += piece
        text, _, self._left = self._left.partition(b"\0")
        found = json.loads(text)
        if found.get("method") == "Page.loadEventFired":
            self._is_loaded = True
        if found.get("method") in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.said.append(found["params"])
        return found


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    shown = Browser(tmp_path_factory.mktemp("profile"))
    yield shown
    shown.close()
