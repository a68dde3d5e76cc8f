"""What the proxy's own OpenAPI page promises of our routes, held against every answer of a test."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

PREFIX = "/api/gateway/"


def check(answer: httpx.Response) -> httpx.Response:
    """*answer*, if it is one that the page of its proxy promises.

    As a hook of a client it sees all that goes through it; what is not ours it lets pass.
    """
    url = answer.request.url
    if not url.path.startswith(PREFIX) or url.path.endswith("/stream"):
        return answer
    promised = _page(str(url.join("/openapi.json")))["paths"][url.path]["get"]["responses"]
    told = str(answer.status_code)
    if told == "401":  # the proxy's own auth says that, of every route alike
        return answer
    assert told in promised, f"{url}: {told} is not published"
    if answer.headers.get("content-type") == "application/json" and "content" in promised[told]:
        answer.read()
        validator(url.path, told).validate(answer.json())
    return answer


_pages: list[dict[str, Any]] = []


def _page(url: str) -> dict[str, Any]:
    """Of the first proxy that is asked: it takes seconds to make, and all publish the same."""
    if not _pages:
        _pages.append(httpx.get(url, timeout=60, trust_env=False).raise_for_status().json())
    return _pages[0]


@cache
def validator(path: str, status: str = "200") -> Draft202012Validator:
    """Of an answer of GET *path*, once any was checked."""
    page = _pages[0]
    content = page["paths"][path]["get"]["responses"][status]["content"]
    schema = content["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": page["components"]})
