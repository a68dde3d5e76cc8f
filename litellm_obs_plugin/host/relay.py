"""``POST /api/llm``: a chat completion whose answer carries what the gateway knows of it.

The request goes through the proxy's own router with the path of chat completions, so that auth,
budgets, guardrails and hooks are the real ones; on the way out the answer gets a ``gateway``
object: in the JSON body, or as the event ``gateway`` before the stream's end.
"""

import json
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from litellm_obs_plugin.host import payload

_CHAT = "/v1/chat/completions"
# What an outer route has noted of itself; the inner one must find its own.
_ROUTE_KEYS = frozenset(
    {
        *("route", "endpoint", "path_params", "router"),
        *("fastapi", "fastapi_inner_astack", "fastapi_function_astack"),
    }
)
_DONE = b"data: [DONE]"

# (call id) -> the gateway object of the request that this relay has passed on.
Describe = Callable[[str], Any]


class ChatRelay:
    """An ASGI application. *describe(call id, time of receipt)* awaits the gateway object."""

    def __init__(self, *, router: ASGIApp, describe: Any) -> None:
        self._router = router
        self._describe = describe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = {key: value for key, value in scope.items() if key not in _ROUTE_KEYS}
        inner["path"] = scope.get("root_path", "") + _CHAT
        inner["raw_path"] = inner["path"].encode()
        state = inner.setdefault("state", {})

        async def describe(call_id: str) -> Any:
            # LiteLLM notes it there when it lets the caller in, and in the request's metadata.
            return await self._describe(call_id, payload.received_in(state))

        await self._router(inner, receive, _Answer(send, describe))


class _Answer:
    """Passes an answer on and puts the gateway object into it."""

    def __init__(self, send: Send, describe: Describe) -> None:
        self._send = send
        self._describe = describe
        self._start: Message | None = None
        self._call_id: str | None = None
        self._body = bytearray()
        self._streams = False
        self._told = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] != "http.response.body":
            await self._send(message)
        elif self._streams:
            await self._pass_on(message)
        elif self._start is None:
            await self._send(message)
        else:
            await self._collect(message)

    async def _begin(self, message: Message) -> None:
        headers = {name.lower(): value for name, value in message.get("headers", ())}
        kind = headers.get(b"content-type", b"")
        self._call_id = headers.get(b"x-litellm-call-id", b"").decode("latin-1") or None
        self._streams = kind.startswith(b"text/event-stream") and self._call_id is not None
        if kind.startswith(b"application/json") and self._call_id is not None:
            self._start = message
            return
        await self._send(message)

    async def _pass_on(self, message: Message) -> None:
        body = message.get("body", b"")
        ends = not message.get("more_body", False)
        if not self._told and (_DONE in body or ends):
            self._told = True
            at = body.find(_DONE)
            at = len(body) if at < 0 else at
            body = body[:at] + await self._event() + body[at:]
        await self._send({**message, "body": body})

    async def _event(self) -> bytes:
        # OpenAI's clients take it for a chunk, and callers read the choices of each.
        found = {"choices": [], **await self._describe(self._call_id or "")}
        return b"event: gateway\ndata: " + json.dumps(found).encode() + b"\n\n"

    async def _collect(self, message: Message) -> None:
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        body = await self._with_gateway(bytes(self._body))
        start = self._start or {}
        headers = [h for h in start.get("headers", ()) if h[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _with_gateway(self, body: bytes) -> bytes:
        try:
            answer = json.loads(body)
        except ValueError:
            return body
        if not isinstance(answer, dict):
            return body
        answer["gateway"] = await self._describe(self._call_id or "")
        return json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
