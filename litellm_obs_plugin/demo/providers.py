"""The simulated providers: one server that speaks the formats of all of them.

Each is mounted under its name, `http://HOST:PORT/NAME/v1`; Anthropic's base is
`http://HOST:PORT/anthropic`, as its client adds the version itself. The ledger stands under
`/_sim`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Request
from fastapi.params import Query
from starlette.responses import JSONResponse, Response

from litellm_obs_plugin.demo.anthropic_wire import MESSAGES
from litellm_obs_plugin.demo.faults import PROFILES, FaultKind
from litellm_obs_plugin.demo.ledger import Call, Ledger
from litellm_obs_plugin.demo.models_page import Mood, Moods
from litellm_obs_plugin.demo.openai_wire import CHAT, EMBEDDINGS, TEXT, model_list
from litellm_obs_plugin.demo.plan import Planner, planner
from litellm_obs_plugin.demo.reply import Receipt, Reply
from litellm_obs_plugin.demo.responses_wire import RESPONSES
from litellm_obs_plugin.demo.server import server
from litellm_obs_plugin.demo.usage import Usage
from litellm_obs_plugin.demo.wire import Ask, Wire

OPENAI_LIKE = frozenset({"openai", "openai-eu", "mistral", "groq"})
_MODELS = ("gpt-4o", "gpt-4o-mini", "text-embedding-3-small")
_WIRES = {
    "chat/completions": CHAT,
    "completions": TEXT,
    "embeddings": EMBEDDINGS,
    "responses": RESPONSES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulator:
    """What all calls share."""

    planner: Planner
    rng: random.Random
    ledger: Ledger = field(default_factory=Ledger)
    moods: Moods = field(default_factory=Moods)

    async def reply(self, request: Request, *, provider: str, wire: Wire) -> Response:
        """The answer to *request*, planned but not yet played."""
        receipt = _receipt(request, provider)
        try:
            body = await request.json()
        except ValueError:
            body = None
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            error = wire.error(FaultKind.BAD_REQUEST, "")
            self.ledger.add(_note(receipt, provider=provider, status=error.status))
            return JSONResponse(error.body, status_code=error.status)
        ask = self._ask(body, provider=provider, wire=wire)
        plan = self.planner.plan(ask, wire)
        return Reply(ask, plan, wire=wire, receipt=receipt, ledger=self.ledger)

    async def models(self, request: Request, provider: str) -> Response:
        receipt = _receipt(request, provider)
        outage = self.planner.outage(provider)
        status = await self.moods.status(provider, outage=outage, key=_key(request))
        self.ledger.add(_note(receipt, provider=provider, status=status))
        return JSONResponse(model_list(_MODELS) if status == 200 else {}, status_code=status)

    def reset(self) -> None:
        self.ledger.reset()
        self.moods.reset()
        self.planner.reset()

    def _ask(self, body: dict[str, Any], *, provider: str, wire: Wire) -> Ask:
        options = body.get("stream_options")
        return Ask(
            provider=provider,
            model=body["model"],
            prompt=wire.prompt(body),
            stream=body.get("stream") is True,
            include_usage=isinstance(options, dict) and options.get("include_usage") is True,
            id=f"sim{self.rng.getrandbits(80):020x}",
            created_s=int(time.time()),
        )


def _receipt(request: Request, provider: str) -> Receipt:
    headers = request.headers
    return Receipt(
        at_s=time.time(),
        start_s=asyncio.get_running_loop().time(),
        path=request.url.path.removeprefix(f"/{provider}"),
        authorization_seen="authorization" in headers or "x-api-key" in headers,
    )


def _key(request: Request) -> str | None:
    """The key, in whichever header this provider takes it."""
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    return request.headers.get("x-api-key") or bearer or None


def _note(receipt: Receipt, *, provider: str, status: int) -> Call:
    return Call(
        at=receipt.at_s,
        provider=provider,
        path=receipt.path,
        model="",
        case=None,
        status=status,
        fault=None,
        stream=False,
        usage=Usage(),
        latency_s=asyncio.get_running_loop().time() - receipt.start_s,
        ttft_s=None,
        authorization_seen=receipt.authorization_seen,
        aborted=False,
    )


def build(*, profile: str, seed: int) -> FastAPI:
    """One app with its own ledger. *profile* is a key of `faults.PROFILES`."""
    rng = random.Random(seed)
    simulator = Simulator(planner=planner(profile=profile, rng=rng, clock=time.monotonic), rng=rng)
    app = FastAPI(title="Simulated providers", openapi_url=None)
    app.include_router(_ledger_routes(simulator))
    app.include_router(_provider_routes(simulator))
    return app


def _provider_routes(simulator: Simulator) -> APIRouter:
    router = APIRouter()

    @router.post("/anthropic/v1/messages")
    async def messages(request: Request) -> Response:
        return await simulator.reply(request, provider="anthropic", wire=MESSAGES)

    @router.get("/{provider}/v1/models")
    async def models(request: Request, provider: str) -> Response:
        return await simulator.models(request, provider)

    @router.post("/{provider}/v1/{path:path}")
    async def openai_like(request: Request, provider: str, path: str) -> Response:
        if provider not in OPENAI_LIKE or path not in _WIRES:
            raise HTTPException(404)
        return await simulator.reply(request, provider=provider, wire=_WIRES[path])

    return router


def _ledger_routes(simulator: Simulator) -> APIRouter:
    router = APIRouter(prefix="/_sim")

    @router.get("/calls")
    async def calls(
        case: str | None = None, since: Annotated[int, Query(ge=0)] = 0
    ) -> list[dict[str, object]]:
        return list(simulator.ledger.calls(case=case, since=since))

    @router.get("/totals")
    async def totals() -> dict[str, object]:
        return simulator.ledger.totals()

    @router.post("/models/{provider}")
    async def mood(
        provider: str, status: int = 200, delay_s: float = 0.0, key: str | None = None
    ) -> dict[str, str]:
        simulator.moods.set(provider, Mood(status=status, delay_s=delay_s, key=key))
        return {"status": "set"}

    @router.post("/reset")
    async def reset() -> dict[str, str]:
        simulator.reset()
        return {"status": "reset"}

    return router


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Simulated LLM providers.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--profile", choices=sorted(PROFILES), default="demo")
    options = parser.parse_args(argv)
    app = build(profile=options.profile, seed=options.seed)
    server(app, port=options.port, host=options.host).run()


if __name__ == "__main__":
    main()
