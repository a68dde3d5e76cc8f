"""A dashboard process, and a browser that looks at it."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from urllib.parse import urlparse

from PIL import Image
from playwright.sync_api import expect

from tests.proxy.server import MASTER_KEY, start

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 90_000
PICTURES = os.environ.get("DASHBOARD_PICTURES")
_COLOURS = 224


class Line:
    """A line to the proxy that can be cut, so that the dashboard finds nobody."""

    def __init__(self, *, port: int, to: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._to = (urlparse(to).hostname, urlparse(to).port)
        self._open: list[socket.socket] = []
        self.join()

    def join(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self._port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        for one in (self._listener, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self._to)
                self._open += [near, far]
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=ends, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def dashboard_of(url, *, port, log, wait_for, arguments=(), env=None):
    """A dashboard process. Its ``/healthz`` is 503 without a reading, but the page comes."""
    server = start(
        [
            sys.executable,
            "-m",
            "dashboard_app",
            "--gateway-url",
            url,
            "--port",
            str(port),
            *arguments,
        ],
        url=f"http://127.0.0.1:{port}",
        ready="/favicon.ico",
        log=log,
        env={"GATEWAY_DASHBOARD_KEY": MASTER_KEY, **(env or {})},
        wait_for=wait_for,
    )
    try:
        yield server
    finally:
        server.stop()


class Visits:
    """Opens pages; none may ask another host or fail in its scripts."""

    def __init__(self, browser):
        self._browser = browser
        self._contexts = []
        self._hosts = set()
        self._errors = []

    def blank(self, *, scheme="dark", width=1440, height=2100):
        """A page of a new context that is still nowhere."""
        viewport = {"width": width, "height": height}
        context = self._browser.new_context(viewport=viewport, color_scheme=scheme)
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("request", lambda r: self._hosts.add(urlparse(r.url).hostname))
        page.on("pageerror", lambda e: self._errors.append(str(e)))
        return page

    def open(self, url, **looks):
        """A page of the dashboard at *url* that is live."""
        page = self.blank(**looks)
        page.goto(url)
        page.locator("#live.shown").wait_for()
        return page

    def close(self):
        for context in self._contexts:
            context.close()
        assert {host for host in self._hosts if host} <= {"127.0.0.1"}
        assert [] == self._errors, self._errors


def ask(gateway, words="", *, model="chat", good=True):
    message = {"role": "user", "content": f"[tokens:10,5]{words}"}
    answer = gateway.client.post(
        "/v1/chat/completions", json={"model": model, "messages": [message]}
    )
    assert good == (answer.status_code == 200), answer.text


def tile(page, name):
    return page.get_by_role("group", name=name, exact=True)


def region(page, name):
    return page.get_by_role("region", name=name, exact=True)


def soon(locator, words, *, within_s=PATIENCE_MS / 1000):
    expect(locator).to_contain_text(words, timeout=within_s * 1000)


def picture(page, name):
    """Keep what the page looks like, when asked for by DASHBOARD_PICTURES=directory."""
    if PICTURES:
        whole = Image.open(BytesIO(page.screenshot(full_page=True))).convert("RGB")
        small = whole.quantize(_COLOURS, dither=Image.Dither.NONE)
        small.save(Path(PICTURES) / f"dashboard-{name}.png", optimize=True)
