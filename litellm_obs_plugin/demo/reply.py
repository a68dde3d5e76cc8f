"""The reply: plays a plan on the connection and writes the outcome into the ledger."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from litellm_obs_plugin.demo.faults import FaultKind
from litellm_obs_plugin.demo.ledger import Call, Ledger
from litellm_obs_plugin.demo.line import ClientGoneError, Line, Message, Receive, Send
from litellm_obs_plugin.demo.plan import Plan
from litellm_obs_plugin.demo.usage import Usage
from litellm_obs_plugin.demo.wire import Ask, Wire

_HANG_S = 30.0
_ERROR_S = 0.05
_STREAM = {"content-type": "text/event-stream", "cache-control": "no-cache"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What is known of a call as it comes in: wall clock and monotonic clock, both seconds."""

    at_s: float
    start_s: float
    path: str
    authorization_seen: bool


class Reply(Response):
    """Answers one call as planned. A response only in name: it may also break off or hang."""

    def __init__(
        self, ask: Ask, plan: Plan, *, wire: Wire, receipt: Receipt, ledger: Ledger
    ) -> None:
        super().__init__()
        self._ask = ask
        self._plan = plan
        self._wire = wire
        self._receipt = receipt
        self._ledger = ledger
        self._ttft_s: float | None = None
        self._usage = Usage()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        transport = scope["state"]["transport"]
        line = Line(receive, send, transport=transport, start_s=self._receipt.start_s)
        aborted = False
        try:
            await self._play(line)
        except ClientGoneError:
            aborted = True
        finally:
            self._ledger.add(self._call(status=line.status, aborted=aborted))
            await line.close()

    async def _play(self, line: Line) -> None:
        fault = self._plan.fault
        match fault.kind if fault else None:
            case None | FaultKind.SLOW:
                await self._answer(line)
            case FaultKind.DROP:
                await self._drop(line, words=(len(self._plan.words) + 1) // 2)
            case FaultKind.HANGUP:
                await self._drop(line, words=0)
            case FaultKind.TIMEOUT:
                await line.wait_until(_HANG_S)
                await line.cut()
            case FaultKind() as kind:
                await self._fail(line, kind)

    async def _answer(self, line: Line) -> None:
        if self._ask.stream and self._wire.stream is not None:
            await self._stream(line, words=len(self._plan.words))
            return
        body = self._wire.answer(self._ask, self._plan.usage, self._plan.words)
        await line.wait_until(self._plan.whole_s)
        await self._write_json(line, status=200, body=body, headers=self._limits())
        self._usage = self._plan.usage

    async def _drop(self, line: Line, *, words: int) -> None:
        if self._ask.stream and self._wire.stream is not None:
            await self._stream(line, words=words, cut=True)
        else:
            await line.wait_until(self._plan.whole_s)
        await line.cut()

    async def _stream(self, line: Line, *, words: int, cut: bool = False) -> None:
        assert self._wire.stream is not None
        frames = self._wire.stream(self._ask, self._plan.usage, self._plan.words)
        await line.wait_until(self._plan.first_s)
        await line.start(200, {**_STREAM, **self._limits()})
        self._usage = self._plan.usage.up_to(0)
        data = b"".join(frames.opening)
        for i, frame in enumerate(frames.content[:words]):
            await line.wait_until(self._plan.first_s + i * self._plan.gap_s)
            await line.write(data + frame, more=True)
            if self._ttft_s is None:
                self._ttft_s = self._elapsed_s()
            self._usage = self._plan.usage.up_to((i + 1) / len(frames.content))
            data = b""
        if not cut:
            await line.write(data + b"".join(frames.closing), more=False)
            self._usage = self._plan.usage

    async def _fail(self, line: Line, kind: FaultKind) -> None:
        error = self._wire.error(kind, self._ask.model)
        await line.wait_until(min(self._plan.first_s, _ERROR_S))
        await self._write_json(line, status=error.status, body=error.body, headers=error.headers)

    async def _write_json(
        self, line: Line, *, status: int, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> None:
        data = json.dumps(body).encode()
        length = {"content-type": "application/json", "content-length": str(len(data))}
        await line.start(status, {**length, **headers})
        await line.write(data, more=False)

    def _limits(self) -> dict[str, str]:
        if self._plan.limit is None:
            return {}
        limit, left = self._plan.limit
        names = ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests")
        return dict(zip(names, (str(limit), str(left)), strict=True))

    def _elapsed_s(self) -> float:
        return asyncio.get_running_loop().time() - self._receipt.start_s

    def _call(self, *, status: int, aborted: bool) -> Call:
        fault = self._plan.fault
        return Call(
            at=self._receipt.at_s,
            provider=self._ask.provider,
            path=self._receipt.path,
            model=self._ask.model,
            case=self._plan.case,
            status=status,
            fault=fault.kind.value if fault else None,
            stream=self._ask.stream,
            usage=self._usage,
            latency_s=self._elapsed_s(),
            ttft_s=self._ttft_s,
            authorization_seen=self._receipt.authorization_seen,
            aborted=aborted,
        )
