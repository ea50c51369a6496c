"""A real Chromium, driven by the WebDriver protocol that its own driver speaks."""

import base64
import json
import shutil
import subprocess
import urllib.request

from tests.integration.conftest import fetch, free_port, until

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--hide-scrollbars",
)


class Browser:
    """One window. `dark` is what the person prefers."""

    def __init__(self, place, *, dark=False, width=1200, height=900):
        self._profile = place / f"profile-{dark}-{width}"
        self._dark = dark
        self._size = width, height

    def __enter__(self):
        port = free_port()
        self._driver = subprocess.Popen(
            [shutil.which("chromedriver"), f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._url = f"http://127.0.0.1:{port}"
        until(lambda: fetch(f"{self._url}/status")[0] == 200, what="chromedriver")
        scheme = 0 if self._dark else 1
        arguments = [
            *_FLAGS,
            f"--user-data-dir={self._profile}",
            f"--window-size={self._size[0]},{self._size[1]}",
            f"--blink-settings=preferredColorScheme={scheme}",
        ]
        options = {"args": arguments, "binary": shutil.which("chromium")}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        session = self._send("POST", "/session", {"capabilities": wanted})["sessionId"]
        self._url += f"/session/{session}"
        return self

    def __exit__(self, *_):
        try:
            self._send("DELETE", "", None)
        finally:
            self._driver.terminate()
            self._driver.wait(10)

    def open(self, url):
        self._send("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """Run a script in the page and return what it returns."""
        return self._send("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def click(self, selector):
        using = {"using": "css selector", "value": selector}
        element = next(iter(self._send("POST", "/element", using).values()))
        self._send("POST", f"/element/{element}/click", {})

    def type(self, selector, text):
        using = {"using": "css selector", "value": selector}
        element = next(iter(self._send("POST", "/element", using).values()))
        self._send("POST", f"/element/{element}/value", {"text": text})

    def size(self, width, height):
        """Have the page be seen at this size, as on a phone."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": True}
        command = {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}
        self._send("POST", "/goog/cdp/execute", command)

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._send("GET", "/screenshot", None)))

    def _send(self, method, path, body):
        request = urllib.request.Request(
            self._url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["value"]
