"""One HTTP request to Langfuse, and what its answer means."""

import base64
import gzip
import json
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import httpx

from litellm_obs_plugin.record import Project

TRACES_PATH = "/api/public/otel/v1/traces"
PROJECTS_PATH = "/api/public/projects"
_RETRIED = frozenset({408, 425, 429})
_AWAY = frozenset({502, 503, 504})  # whatever is sent
_TOO_LARGE = 413
_MAX_ANSWER_BYTES = 64 * 2**10
_SHOWN_BYTES = 200
_HTML = "text/html"
_DENIED = frozenset({401, 403})


class Verdict(Enum):
    """What to do with a batch now."""

    ACCEPTED = auto()
    TOO_LARGE = auto()
    REFUSED = auto()  # for good
    RETRY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """*reason* is for people. *heard*: the server answered at all; *denied*: not with our keys;
    *stumbled*: it failed, perhaps on this very body.
    """

    verdict: Verdict
    reason: str = ""
    heard: bool = True
    denied: bool = False
    stumbled: bool = False
    retry_after_s: float | None = None


class Post:
    """Sends bodies to one project. Used by one thread."""

    def __init__(self, *, project: Project, version: str, timeout_s: float) -> None:
        credentials = f"{project.public_key}:{project.secret_key}".encode()
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            base_url=project.host or "",
            timeout=timeout_s,
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "authorization": "Basic " + base64.b64encode(credentials).decode(),
                "x-langfuse-ingestion-version": "4",
                "x-langfuse-public-key": project.public_key,
                "x-langfuse-sdk-name": "litellm-obs-plugin",
                "x-langfuse-sdk-version": version,
            },
        )

    def send(self, body: bytes, *, within_s: float | None = None) -> Answer:
        """Post *body*, which is an OTLP request; never longer than *within_s* seconds a phase."""
        timeout_s = min(self._timeout_s, within_s if within_s is not None else self._timeout_s)
        return self._ask(
            self._client.build_request(
                "POST",
                TRACES_PATH,
                content=gzip.compress(body, 1),
                headers={"content-type": "application/x-protobuf", "content-encoding": "gzip"},
                timeout=timeout_s,
            )
        )[0]

    def read_project(self) -> tuple[str | None, Answer]:
        """The id of the project that the keys belong to, if it can be read now, and the answer."""
        answer, body = self._ask(self._client.build_request("GET", PROJECTS_PATH))
        try:
            found: Any = json.loads(body)
            return str(found["data"][0]["id"]), answer
        except (ValueError, LookupError, TypeError):
            return None, answer

    def _ask(self, request: httpx.Request) -> tuple[Answer, bytes]:
        """The answer and its body, of which not more is read than a sane server sends."""
        body, until = b"", time.monotonic() + self._timeout_s
        try:
            answer = self._client.send(request, stream=True)
            try:
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) >= _MAX_ANSWER_BYTES or time.monotonic() >= until:
                        break
            finally:
                answer.close()
        except httpx.HTTPError as error:
            return _unheard(error), b""
        return _read(answer, body), body

    def close(self) -> None:
        self._client.close()


def _unheard(error: httpx.HTTPError) -> Answer:
    return Answer(verdict=Verdict.RETRY, reason=f"{type(error).__name__}: {error}", heard=False)


def _read(answer: httpx.Response, body: bytes) -> Answer:
    status = answer.status_code
    said = body[:_SHOWN_BYTES].decode(errors="replace")
    reason = f"HTTP {status} {said}".strip()
    if answer.is_success:
        if _HTML in answer.headers.get("content-type", ""):  # a login page, or the wrong port
            return Answer(verdict=Verdict.REFUSED, reason=f"a web page, not Langfuse: {reason}")
        return Answer(verdict=Verdict.ACCEPTED)
    if status == _TOO_LARGE:
        return Answer(verdict=Verdict.TOO_LARGE, reason=reason)
    if status in _RETRIED or answer.is_server_error:
        told_s = _seconds(answer.headers.get("retry-after"))
        return Answer(
            verdict=Verdict.RETRY,
            reason=reason,
            stumbled=status not in _RETRIED | _AWAY,
            retry_after_s=told_s,
        )
    return Answer(verdict=Verdict.REFUSED, reason=reason, denied=status in _DENIED)


def _seconds(told: str | None) -> float | None:
    return float(told) if told is not None and told.isdecimal() else None
