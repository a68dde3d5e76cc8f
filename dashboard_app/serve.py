"""The server of the page."""

import asyncio
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import panel as pn
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import OutputTransform, RequestHandler

from dashboard_app.client import GatewayClient
from dashboard_app.config import Config
from dashboard_app.page import build_page
from dashboard_app.picture import Gallery
from dashboard_app.signin import guard
from dashboard_app.store import Store
from dashboard_app.workshop import Workshop

_STALE_S = 60.0
# Bokeh compiles its formatters, and Panel's page has scripts and styles in it.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'"
)
_CHECK_MS = 1000


_FULL = "<p>Too many pages of this dashboard are open. Close one, then reload.</p>"


class SecurityHeaders(OutputTransform):
    """Nothing from other hosts, no guessing of types, and frames only where that is wanted."""

    def __init__(self, ancestors: Sequence[str], request: HTTPServerRequest) -> None:
        super().__init__(request)
        self._ancestors = " ".join(ancestors) or "'none'"

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        headers["Content-Security-Policy"] = f"{_POLICY}; frame-ancestors {self._ancestors}"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "same-origin"
        return status_code, headers, chunk


class HealthHandler(RequestHandler):
    """``/healthz``: how old the last good reading is; 503 when there is none of this minute."""

    def initialize(self, store: Store) -> None:
        self._store = store

    def get(self) -> None:
        age_s = self._store.age_s()
        self.set_status(200 if age_s is not None and age_s < _STALE_S else 503)
        self.set_header("Content-Type", "application/json")
        shown = None if age_s is None else round(age_s, 1)
        self.finish(json.dumps({"lastReadingAgeSeconds": shown, "pages": self._store.watchers}))


def serve(config: Config) -> None:
    """Serve until the process is told to end."""
    client = GatewayClient(url=config.gateway_url, key=config.gateway_key)
    store = Store(client, interval_s=config.interval_s)
    server = start(config, store)
    polling: list[asyncio.Task[None]] = []
    server.io_loop.add_callback(lambda: polling.append(asyncio.ensure_future(store.run())))
    server.io_loop.start()


def start(config: Config, store: Store, *, workshop: Workshop | None = None) -> Any:
    """A started server of *store*'s pages; its loop runs only when the caller runs it."""
    pn.extension(notifications=False)
    options, handlers = guard(config)
    if config.prefix:
        options["prefix"] = config.prefix
    gallery, workshop = Gallery(), workshop or Workshop()
    own = f"{config.address}:{config.port}"

    def page() -> Any:  # Panel takes a function; a partial it would show as text
        if store.watchers >= config.pages:
            return pn.pane.HTML(_FULL)
        return build_page(store, gallery=gallery, charts=workshop.take())

    server = pn.serve(
        {"/": page},
        address=config.address,
        port=config.port,
        websocket_origin=[own, f"localhost:{config.port}", *config.origins],
        show=False,
        start=False,
        title="LLM Gateway",
        compress_response=True,
        check_unused_sessions_milliseconds=_CHECK_MS,
        unused_session_lifetime_milliseconds=int(config.session_lifetime_s * 1000),
        extra_patterns=[("/healthz", HealthHandler, {"store": store}), *handlers],
        **options,
    )
    server._tornado.add_transform(partial(SecurityHeaders, config.frame_ancestors))
    server.start()
    return server
