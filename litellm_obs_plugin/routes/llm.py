"""``/api/llm``: chat completions with what the gateway knows of them in the answer."""

from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from litellm_obs_plugin.gateway_api.answer import build_answer
from litellm_obs_plugin.host.relay import ChatRelay
from litellm_obs_plugin.routes.surfaces import LLM_PATH, Surfaces

# How long an answer may wait for its own end to be told; measured 1 to 5 ms.
_WAIT_S = 0.3


def llm_routes(app: FastAPI, surfaces: Surfaces) -> list[Route]:
    """The routes for ``POST``: the path, and what OpenAI's clients make of it as base URL."""

    async def describe(call_id: str, since: float) -> dict[str, Any]:
        request = await surfaces.answers.wait(call_id, since=since, timeout_s=_WAIT_S)
        return build_answer(call_id, request).model_dump(mode="json", by_alias=True)

    relay = ChatRelay(router=app.router, describe=describe, clock=surfaces.clock)
    paths = (LLM_PATH, f"{LLM_PATH}/chat/completions")
    return [Route(path, relay, methods=["POST"]) for path in paths]
