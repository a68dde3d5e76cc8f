"""The dashboard's server in a thread of the test."""

import asyncio
import threading
from contextlib import contextmanager

from dashboard_app.serve import start
from dashboard_app.workshop import Workshop

PATIENCE_S = 60


@contextmanager
def serving(config, store):
    """The base URL of a running server of *store*'s pages."""
    started, ready = [], threading.Event()

    def run():
        asyncio.set_event_loop(asyncio.new_event_loop())
        started.append(start(config, store, workshop=Workshop(spare=0)))  # charts made on demand
        started[0].io_loop.add_callback(ready.set)
        started[0].io_loop.start()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(PATIENCE_S)
    server = started[0]

    def end():
        server.stop()
        server.io_loop.stop()

    try:
        yield f"http://127.0.0.1:{config.port}{config.prefix}"
    finally:
        server.io_loop.add_callback(end)
        thread.join(PATIENCE_S)
