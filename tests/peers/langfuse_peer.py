"""A receiver that speaks Langfuse's wire format: in a thread of the test, with faults on demand."""

from __future__ import annotations

import base64
import gzip
import json
import math
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.peers.langfuse_mapping import Record, read_records

TRACES_PATH = "/api/public/otel/v1/traces"


class LangfusePeer:
    """Projects by public key; everything received, in order. Use as a context manager."""

    def __init__(self, *, port: int = 0, projects: dict[str, str] | None = None) -> None:
        self.projects = projects if projects is not None else {"pk-test": "sk-test"}
        self.records: list[Record] = []
        self.statuses: Counter[int] = Counter()
        self.headers: list[dict[str, str]] = []
        self.bodies: list[int] = []
        self.fault: int | str | None = None  # a status, "hang", or "slow"
        self.fault_headers: dict[str, str] = {}
        self.max_body: int | None = None
        self.delay_s = 0.0
        self.project_reads = 0
        self.metrics_paths: set[str] = {"/api/public/v2/metrics"}
        self.cost_reads = 0
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.gone = False
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.peer = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> LangfusePeer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gone = True  # also for who is still connected
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def env(self, **more: str) -> dict[str, str]:
        """The variables that make a gateway send here."""
        public, secret = next(iter(self.projects.items()))
        return {
            "LANGFUSE_PUBLIC_KEY": public,
            "LANGFUSE_SECRET_KEY": secret,
            "LANGFUSE_HOST": self.url,
            **more,
        }

    def trace(self, trace_id: str) -> list[Record]:
        """What is stored of a trace: the last version of each observation, by start."""
        with self._lock:
            found = {r.id: r for r in self.records if r.trace_id == trace_id}
        return sorted(found.values(), key=lambda r: (r.start_ms, r.parent_id is not None))

    def trace_ids(self) -> set[str]:
        with self._lock:
            return {r.trace_id for r in self.records}

    def answer_of_metrics(self, query: dict[str, Any]) -> Any:
        return {"data": self.costs(query)}

    def costs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of the metrics API: cost by model of what began in the query's time."""
        start, end = (_epoch_ms(query[name]) for name in ("fromTimestamp", "toTimestamp"))
        wanted = {f["column"]: f["value"] for f in query["filters"]}
        with self._lock:
            stored = {(r.trace_id, r.id): r for r in self.records}.values()
        by_model: dict[str | None, list[float]] = {}
        for r in stored:
            where = wanted.get("environment", r.environment) == r.environment
            if where and start <= r.start_ms < end:
                by_model.setdefault(r.model, []).append(r.total_cost or 0.0)
        assert query["dimensions"] == [{"field": "providedModelName"}]
        assert query["metrics"] == [{"measure": "totalCost", "aggregation": "sum"}]
        return [
            {"providedModelName": model, "sum_totalCost": math.fsum(usd)}
            for model, usd in by_model.items()
        ]

    def recover(self) -> None:
        self.fault = None
        self._released.set()

    def receive(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        """The answer to one OTLP post: (status, headers)."""
        status, more = self._judge(body, headers)
        with self._lock:
            self.statuses[status] += 1
            self.headers.append(headers)
            self.bodies.append(len(body))
        return status, more

    def _judge(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
        if self.fault == "hang":
            self._released.clear()
            self._released.wait(60)
        if self.delay_s:
            time.sleep(self.delay_s)
        if isinstance(self.fault, int):
            return self.fault, self.fault_headers
        project = self.project_of(headers)
        if project is None:
            return 401, {}
        if headers.get("x-langfuse-ingestion-version", "4") != "4":
            return 400, {}
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        if self.max_body is not None and len(plain) > self.max_body:
            return 413, {}
        try:
            records = read_records(plain, project=project)
        except ValueError:
            return 400, {}
        with self._lock:
            self.records += records
        return 200, {}

    def project_of(self, headers: dict[str, str]) -> str | None:
        kind, _, code = headers.get("authorization", "").partition(" ")
        if kind != "Basic":
            return None
        public, _, secret = base64.b64decode(code).decode().partition(":")
        return public if self.projects.get(public) == secret else None


def _epoch_ms(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp() * 1000


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    peer: LangfusePeer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may hang up."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path != TRACES_PATH:
            self._answer(404, {})
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        peer = self.server.peer
        status, more = peer.receive(body, headers) if not peer.gone else (0, {})
        if peer.gone:
            self.close_connection = True
        else:
            self._answer(status, {}, more)

    def do_GET(self) -> None:
        peer = self.server.peer
        headers = {name.lower(): value for name, value in self.headers.items()}
        project = peer.project_of(headers)
        if self.path == "/api/public/health":
            self._answer(200, {"status": "OK", "version": "4.16.0"})
        elif isinstance(peer.fault, int):
            self._answer(peer.fault, {})
        elif project is None:
            self._answer(401, {"message": "Invalid credentials"})
        elif self.path == "/api/public/projects":
            peer.project_reads += 1
            self._answer(200, {"data": [{"id": f"project-{project}", "name": project}]})
        elif self.path.partition("?")[0] in peer.metrics_paths:
            peer.cost_reads += 1
            query = json.loads(parse_qs(urlsplit(self.path).query)["query"][0])
            self._answer(200, peer.answer_of_metrics(query))
        else:
            self._answer(404, {})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        """Tests ask for what they need."""
