"""``/api/llm``: chat completions with what the gateway knows of them in the answer."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict
from starlette.routing import Route

from litellm_obs_plugin.gateway_api.answer import GatewayAnswer, build_answer
from litellm_obs_plugin.host.relay import ChatRelay
from litellm_obs_plugin.routes.publishing import examples, with_example
from litellm_obs_plugin.routes.surfaces import LLM_PATH, Surfaces

# How long an answer may wait for its own end to be told; measured 1 to 5 ms.
_WAIT_S = 0.3


class LlmAnswer(BaseModel):
    """LiteLLM's answer to a chat completion, and what the gateway knows of it."""

    model_config = ConfigDict(extra="allow")

    gateway: GatewayAnswer


class RelayRoute(APIRoute):
    """In the OpenAPI page as any other route; what answers is *relay*, which sees the bytes."""

    def __init__(self, path: str, relay: ChatRelay, **shown: Any) -> None:
        super().__init__(path, _read_as_it_comes, methods=["POST"], **shown)
        self.app = relay


async def _read_as_it_comes() -> None:
    """Chat completions, of any provider, with a `gateway` object in the answer.

    The body is that of `/v1/chat/completions`, where it goes with the caller's key. A stream ends
    with an event `gateway`. Errors of that route come with their status and the object as well.
    """


def llm_routes(app: FastAPI, surfaces: Surfaces) -> list[Route]:
    """The routes for ``POST``: the path, and what OpenAI's clients make of it as base URL."""

    async def describe(call_id: str, received_at: float | None) -> dict[str, Any]:
        request = None
        if received_at is not None:
            key = (call_id, received_at)
            request = await surfaces.answers.wait(key, timeout_s=_WAIT_S)
        return build_answer(call_id, request).model_dump(mode="json", by_alias=True)

    relay = ChatRelay(router=app.router, describe=describe)
    shown = {
        "tags": ["observability"],
        "responses": {200: with_example("llm", LlmAnswer)},
        "openapi_extra": {
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"type": "object"},
                        "example": examples()["llm_request"],
                    }
                },
            }
        },
    }
    return [
        RelayRoute(path, relay, name=name, **shown)
        for path, name in ((LLM_PATH, "llm"), (f"{LLM_PATH}/chat/completions", "llm_completions"))
    ]
